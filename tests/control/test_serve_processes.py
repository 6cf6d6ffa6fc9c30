"""`bargein serve` with real processes: what happens when any of them is killed, or told to end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.control.serving import API_KEY, TOKEN_KEY, Talker, control, is_alive, until

pytest.importorskip("espeakng_loader", reason="the extra 'embedded' is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.pipeline]


async def test_a_killed_worker_takes_only_its_own_talks_and_these_begin_again_elsewhere(
    tmp_path: Path,
) -> None:
    async with control(tmp_path, workers=2) as serving:
        first, second = await serving.room(identity="ann"), await serving.room()
        assert first["connect"]["url"] != second["connect"]["url"]
        async with Talker(first) as ann, Talker(second) as bob:
            assert ann.is_welcome
            assert bob.is_welcome
            async with Talker(first, url=second["connect"]["url"]) as thief:
                assert thief.codes() == ["unauthorized"]
            with pytest.raises(InvalidStatus):
                # Audio has no way through the control process.
                await connect(f"{serving.url.replace('http', 'ws')}/test/ws")
            await ann.hears_more()
            os.kill(await serving.worker_pid(first), signal.SIGKILL)
            await ann.over()
            await bob.hears_more()

            async def is_lost() -> bool:
                return await serving.state(first) == "lost"

            await until(is_lost)
            asked = {"session": first["session"]}
            answer = await serving.ask("POST", f"/rooms/{first['room']}/tokens", asked)
            again = answer.json()
            assert again["session"] == first["session"]
            assert again["connect"]["url"] != first["connect"]["url"]
            async with Talker(first, url=again["connect"]["url"]) as thief:
                assert thief.codes() == ["unauthorized"], "the first token is spent"
            async with Talker(again) as returned:
                assert returned.is_welcome
                assert await serving.state(first) == "talking"
                await bob.hears_more()
                await serving.ask("DELETE", f"/sessions/{second['session']}")
                await bob.over()
                assert bob.codes() == ["ended"]
                await returned.hears_more()

        async def two() -> bool:
            return len(await serving.workers()) == 2

        await until(two)
        assert await serving.end() == 0
    said = (tmp_path / "log-0").read_text()
    for secret in (API_KEY, TOKEN_KEY, first["token"], second["token"], again["token"]):
        assert secret not in said
        assert secret[:40] not in said
    assert "is gone (signal 9), 1 sessions are lost" in said
    assert "a token was refused: used" in said


async def test_talks_go_on_when_the_control_process_is_killed_and_a_new_one_replaces_its_workers(
    tmp_path: Path,
) -> None:
    async with control(tmp_path, workers=1) as serving:
        made, late = await serving.room(), await serving.room()
        async with Talker(made) as ann:
            await ann.hears_more()
            old = await serving.worker_pid(made)
            await serving.end(signal.SIGKILL)
            await ann.hears_more()
            async with control(tmp_path, workers=1) as after:
                await ann.hears_more()
                # Nobody new goes to the worker that was left over.
                async with Talker(late) as refused:
                    assert refused.codes() == ["unauthorized"]
                other = await after.room()
                assert other["connect"]["url"] != made["connect"]["url"]
                async with Talker(other) as bob:
                    assert bob.is_welcome
                assert await after.state(made) == "talking"
                await after.ask("DELETE", f"/sessions/{made['session']}")
                await ann.over()
                assert ann.codes() == ["ended"]

                async def has_gone() -> bool:
                    return not is_alive(old)

                await until(has_gone)
                assert await after.state(made) == "ended"


async def test_who_is_told_to_end_lets_talks_go_on_for_a_while_and_then_says_goodbye(
    tmp_path: Path,
) -> None:
    async with control(tmp_path, "--drain-s", "2", workers=1) as serving:
        made, late = await serving.room(), await serving.room()
        async with Talker(made) as ann:
            await ann.hears_more()
            worker = await serving.worker_pid(made)
            ending = asyncio.create_task(serving.end())
            await ann.hears_more()
            async with Talker(late) as refused:
                assert refused.codes() == ["unauthorized"]
            await ann.over()
            assert ann.codes() == ["going_away"]
        assert await ending == 0
        assert not is_alive(worker)
    said = (tmp_path / "log-0").read_text()
    assert re.search(r"drains, 1 talk", said)
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in said
