"""The best way that works is taken, and what it holds is found by trying."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bargein.errors import ConfigError, PartError
from bargein.processors.sandbox import bubblewrap, opening
from bargein.processors.sandbox.ground import Ground, grounds
from bargein.processors.sandbox.opening import Mode, found, open_sandbox
from bargein.processors.sandbox.protections import Hold, Protection, Protections, how
from bargein.processors.sandbox.sandbox import Sandbox

BEST = grounds()[0]
NOTHING_AT_ALL = Ground(bubblewrap=None, changes_user=False, landlock=0, seccomp=False)
BROKEN = "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"

has_bubblewrap = pytest.mark.skipif(BEST.bubblewrap is None, reason="bubblewrap is not here")


@pytest.fixture
async def opened() -> AsyncIterator[list[Sandbox]]:
    """Close what a test opens."""
    made: list[Sandbox] = []
    yield made
    for each in made:
        await each.close()


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide bubblewrap: all programs are in a folder that is empty so far."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def open_rows(protections: Protections) -> set[Hold]:
    """Give what does not hold."""
    return {row.hold for row in protections.missing}


@has_bubblewrap
async def test_with_bubblewrap_everything_holds(opened: list[Sandbox]) -> None:
    opened.append(await open_sandbox(Mode.REQUIRE))
    assert opened[0].protections.missing == ()
    assert opened[0].protections.ground.bubblewrap


@pytest.mark.usefixtures("hidden")
async def test_without_bubblewrap_two_things_are_open_and_said(opened: list[Sandbox]) -> None:
    opened.append(await open_sandbox())
    protections = opened[0].protections
    assert protections.ground.bubblewrap is None
    if protections.ground.uses_landlock and protections.ground.seccomp:
        assert open_rows(protections) == {Hold.HOSTS, Hold.FOLDER_SIZE}
    text = "\n".join(protections.describe())
    assert "OPEN   permitted hosts only" in text
    assert "apt install bubblewrap" in text


@pytest.mark.usefixtures("hidden")
async def test_require_refuses_less_and_names_it_and_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"permitted hosts only .*apt install bubblewrap"):
        await open_sandbox(Mode.REQUIRE)


async def test_a_bubblewrap_that_may_not_run_is_done_without_and_the_reason_is_told(
    hidden: Path, opened: list[Sandbox]
) -> None:
    broken = hidden / "bwrap"
    broken.write_text(BROKEN)
    broken.chmod(0o755)
    opened.append(await open_sandbox())
    protections = opened[0].protections
    assert protections.ground.bubblewrap is None
    assert "No permissions to create new namespace" in "\n".join(protections.describe())
    assert bubblewrap.found() == str(broken)


@pytest.mark.slow
async def test_what_nothing_holds_is_found_to_be_open() -> None:
    """Where the probe could not get out of anything, it would be no probe."""
    protections = await found(replace(NOTHING_AT_ALL))
    gets_out = {Hold.READING, Hold.WRITING, Hold.NETWORK, Hold.HOSTS, Hold.SIGNALS}
    assert open_rows(protections) >= gets_out | {Hold.FOLDER_SIZE}
    always = {Hold.ENVIRONMENT, Hold.MEMORY, Hold.TIME, Hold.FILE_SIZE}
    assert not open_rows(protections) & always


@pytest.mark.slow
async def test_the_bots_variables_show_where_its_memory_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "OWN_NAMES", frozenset[str]())
    protections = await found(BEST)
    assert open_rows(protections) == {Hold.ENVIRONMENT}, "PATH is the bot's, too"


async def test_no_way_at_all_is_an_error_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(PartError, match="/nowhere/python"):
        await open_sandbox()


def test_every_row_says_what_holds_it() -> None:
    for ground in (*grounds(), NOTHING_AT_ALL):
        rows = tuple(Protection(hold, True, how(hold, ground)) for hold in Hold)
        assert all(row.how for row in rows)
        lines = Protections(ground, rows).describe()
        assert len(lines) == 1 + len(Hold)
