"""Workers end with the bot, whatever the bot ended of."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from bargein.processors.sandbox.folders import PREFIX, make, sweep
from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.tool import Permissions
from tests.sandbox.calls import HOSTILE, Calls, no_process_has
from tests.sandbox.conftest import best_grounds

BOT = """
import asyncio, sys
from bargein.processors.sandbox.folders import PREFIX, make, sweep
from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.tool import Permissions, PythonHandler

async def main():
    sandbox = Sandbox(Protections({ground!r}, ()))
    permitted = Permissions(env=("BARGEIN_TEST_MARK",))
    await sandbox.warm([Job(PythonHandler({handler!r}, "loops"), Limits(), permitted)])
    call = asyncio.create_task(
        sandbox.run(PythonHandler({handler!r}, "loops"), {{}}, Limits(), permitted)
    )
    await asyncio.sleep(0.1)
    print("running", flush=True)
    await call

asyncio.run(main())
"""
START_WITHIN_S = 20


def test_folders_of_bots_that_are_no_more_are_removed_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / f"{PREFIX}{ended.pid}-abc").mkdir()
    (tmp_path / "somebody-elses").mkdir()
    mine = make(None)
    sweep()
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, "somebody-elses"}


@pytest.mark.slow
@pytest.mark.skipif(best_grounds()[0].bubblewrap is None, reason="bubblewrap is not here")
async def test_where_processes_can_be_started_they_are_few_and_end_with_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a processor that the filter over system calls does not know."""
    mark = secrets.token_hex(8)
    monkeypatch.setenv("BARGEIN_TEST_MARK", mark)
    sandbox = Sandbox(Protections(replace(best_grounds()[0], seccomp=False), ()), most_spares=0)
    permitted = Permissions(env=("BARGEIN_TEST_MARK",))
    started = await Calls(sandbox, tmp_path).returned("greedy.forks", permissions=permitted)
    assert isinstance(started, int)
    assert 0 < started <= Limits().threads
    await sandbox.close()
    assert await no_process_has(mark)


def left_by(bot: int) -> list[Path]:
    """Give the folders of a bot's workers."""
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{bot}-*"))


@pytest.mark.slow
@pytest.mark.parametrize("ground", best_grounds(), ids=str)
async def test_a_killed_bot_leaves_no_worker_and_the_next_sweeps_up(ground: Ground) -> None:
    mark = secrets.token_hex(8)
    script = BOT.format(ground=ground, handler=str(HOSTILE / "greedy.py"))
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        env={**os.environ, "BARGEIN_TEST_MARK": mark},
        stdout=asyncio.subprocess.PIPE,
    )
    assert bot.stdout is not None
    async with asyncio.timeout(START_WITHIN_S):
        assert await bot.stdout.readline() == b"running\n"
    assert not await no_process_has(mark, looks=1)
    bot.kill()
    await bot.wait()
    assert await no_process_has(mark)
    sweep()
    assert not left_by(bot.pid)
