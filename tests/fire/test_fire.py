"""Random conversations over random networks: whatever happens, the rules of `world.py` hold.

Each seed is one conversation of 60 deeds; a seed that breaks a rule is printed with the
shortest script that still does. `BARGEIN_FIRE_SEEDS=10000-20000 pytest tests/fire -k long`
runs as many others as one likes: 10,000 seeds are 600,000 deeds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from loguru import logger

from tests.fire.deeds import failure, script, setting, shortened

DEEDS = 60
FAST_SEEDS = 8
SLOW_SEEDS = 300
"""18,000 deeds."""
AT_ONCE = 25
LONG = os.environ.get("BARGEIN_FIRE_SEEDS", "0-0")


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Each verdict is a line in the log, which nobody reads here."""
    logger.disable("bargein")
    yield
    logger.enable("bargein")


def assert_nothing_breaks(seed: int) -> None:
    given, deeds = setting(seed), script(seed, DEEDS)
    if failure(given, deeds) is not None:
        fewer = shortened(given, deeds)
        lines = "\n".join(f"    {deed}," for deed in fewer)
        pytest.fail(f"seed {seed}: {failure(given, fewer)}\n{given}\n{lines}", pytrace=False)


@pytest.mark.parametrize("seed", range(FAST_SEEDS))
def test_a_random_conversation_breaks_no_rule(seed: int) -> None:
    assert_nothing_breaks(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST_SEEDS, SLOW_SEEDS, AT_ONCE))
def test_many_random_conversations_break_no_rule(first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, SLOW_SEEDS)):
        assert_nothing_breaks(seed)


@pytest.mark.slow
def test_a_long_run_breaks_no_rule() -> None:
    first, end = (int(part) for part in LONG.split("-"))
    for seed in range(first, end):
        assert_nothing_breaks(seed)
