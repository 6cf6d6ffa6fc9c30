"""The ways in which a worker can be started on this machine, and a sandbox for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bargein.processors.sandbox.ground import Ground, grounds
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.sandbox import Sandbox
from tests.sandbox.calls import Calls

KEY, PERMITTED = "BARGEIN_TEST_KEY", "BARGEIN_TEST_PERMITTED"


def best_grounds() -> list[Ground]:
    """The best one with bubblewrap, and the best one without."""
    found = grounds()
    with_it = [each for each in found if each.bubblewrap]
    without = [each for each in found if not each.bubblewrap]
    return with_it[:1] + without[:1]


@pytest.fixture(params=best_grounds(), ids=str)
async def calls(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Calls]:
    """Run handlers in a sandbox of each ground, with keys in the bot's environment."""
    monkeypatch.setenv(KEY, "a key of the bot")
    monkeypatch.setenv(PERMITTED, "a permitted key")
    sandbox = Sandbox(Protections(request.param, ()), most_spares=0)
    try:
        yield Calls(sandbox, tmp_path)
    finally:
        await sandbox.close()


@pytest.fixture
def only_with_bubblewrap(calls: Calls) -> None:
    """Skip what bubblewrap alone can hold."""
    if calls.ground.bubblewrap is None:
        pytest.skip("only bubblewrap holds this; `bargein check` says so")
