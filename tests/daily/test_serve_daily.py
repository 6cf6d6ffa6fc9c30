"""`bargein run` with a room at Daily: it is made, joined, told, and deleted whatever happens."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from bargein.errors import ConfigError
from bargein.pipelines import serve, serve_daily
from bargein.pipelines.load import Config, load
from bargein.transports.daily import room as rooms
from bargein.transports.daily.errors import DailyError
from bargein.transports.daily.rest import Rest
from bargein.transports.daily.room import DailyRoom
from tests.daily.fake_daily import FakeDaily
from tests.vendors.daily import KEY, Daily

BOT = """
name: test
greeting: Hello.
transport: {use: daily, port: 0, api_url: "%s", expires_min: 5}
endpointing: {smart_turn: false}
pipeline:
  - use: interruption
  - use: silero_vad
  - use: tests.room.parts:GivenStt
    hears: []
  - use: tests.room.parts:GivenLlm
    answers: []
  - use: espeak_tts
  - use: played_audio
"""
HELLO = {"type": "bargein/hello", "capabilities": {"vad": True}}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is there, as far as its transport knows."""
    monkeypatch.setattr(rooms, "find_spec", lambda _name: object())


def config(tmp_path: Path, api_url: str) -> Config:
    path = tmp_path / "bot.yaml"
    path.write_text(BOT % api_url)
    return load(path, environ=os.environ)


def test_without_the_library_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'bargein\[daily\]'"):
        serve.run(config(tmp_path, "https://api.daily.co/v1"))


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_it_says_where_to_find_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.delenv("DAILY_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("DAILY_API_KEY", key)
    with pytest.raises(ConfigError, match="needs the environment variable DAILY_API_KEY"):
        serve.run(config(tmp_path, "https://api.daily.co/v1"))


class Run:
    """The command in the test's event loop, with a library that is played."""

    def __init__(self, loaded: Config, library: FakeDaily, monkeypatch: pytest.MonkeyPatch) -> None:
        room = loaded.transport.build()
        assert isinstance(room, DailyRoom)
        monkeypatch.setattr(serve_daily, "daily_library", lambda: library)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.page = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.task = asyncio.create_task(
            serve_daily._run(loaded, room, self.listener, None, self.page, KEY)
        )

    async def link(self, capsys: pytest.CaptureFixture[str]) -> str:
        printed = ""
        async with asyncio.timeout(5):
            while "Ctrl-C" not in printed:
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)
                printed += capsys.readouterr().out
        return next(line for line in printed.splitlines() if line.startswith("Open ")).split()[1]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=10)
        self.listener.close()


async def test_the_link_opens_the_page_with_room_and_token_and_the_room_goes_at_the_end(
    tmp_path: Path,
    account: Daily,
    library: FakeDaily,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(config(tmp_path, account.url), library, monkeypatch)
    link = await run.link(capsys)
    page, _, fragment = link.partition("#")
    told = dict(httpx.QueryParams(fragment))
    (made,) = account.rooms.values()
    assert told["room"] == made["url"] == library.joined[0][0]
    assert account.tokens[told["t"]]["user_name"] == "visitor"
    assert account.tokens[library.joined[0][1]]["user_id"] == "bargein-bot"
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(page)
        metrics = await browser.get(f"{page}metrics")
    assert answer.status_code == 200
    assert "https://c.daily.co" in answer.headers["Content-Security-Policy"]
    assert "bargein_sessions 0.0" in metrics.text
    await run.stop()
    assert account.deleted == [made["name"]]
    assert library.left


async def test_a_join_that_fails_deletes_the_room_too(
    tmp_path: Path, account: Daily, library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.join_error = "no way"
    run = Run(config(tmp_path, account.url), library, monkeypatch)
    with pytest.raises(DailyError, match="no way"):
        async with asyncio.timeout(5):
            await run.task
    assert len(account.deleted) == 1
    run.listener.close()


async def test_a_room_that_nobody_was_told_of_is_deleted_too(account: Daily) -> None:
    account.broken_behind = 1
    account.instead = [503] * 3
    with pytest.raises(DailyError, match="Daily's API fails"):
        async with (
            Rest(account.url, KEY, first_pause_s=0.001) as api,
            serve_daily.made_room(api, expires_min=5),
        ):
            raise AssertionError("there is no room")
    assert (account.rooms, len(account.deleted)) == ({}, 1)


@pytest.mark.slow
async def test_a_daily_that_answers_nobody_is_said_within_twelve_seconds(
    tmp_path: Path, library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    address = silent.getsockname()
    run = Run(config(tmp_path, f"http://127.0.0.1:{address[1]}"), library, monkeypatch)
    with pytest.raises(DailyError, match=r"can't be reached \(no answer in 8 s\)"):
        async with asyncio.timeout(12):
            await run.task
    run.listener.close()
    silent.close()


async def test_a_call_that_daily_ends_ends_the_command_with_its_reason(
    tmp_path: Path,
    account: Daily,
    library: FakeDaily,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(config(tmp_path, account.url), library, monkeypatch)
    await run.link(capsys)
    library.ends()
    with pytest.raises(DailyError, match="Run the command again for a new room"):
        async with asyncio.timeout(5):
            await run.task
    assert len(account.deleted) == 1
    run.listener.close()


async def test_a_room_that_can_not_be_deleted_does_not_hide_what_happened(
    tmp_path: Path, account: Daily, library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.join_error = "no way"

    async def gone(*_: object) -> None:
        raise DailyError("Daily's API can't be reached")

    monkeypatch.setattr("bargein.transports.daily.rest.Rest.delete_room", gone)
    run = Run(config(tmp_path, account.url), library, monkeypatch)
    with pytest.raises(DailyError, match="no way"):
        async with asyncio.timeout(5):
            await run.task
    run.listener.close()


@pytest.mark.pipeline
@pytest.mark.slow
async def test_a_visitor_is_welcomed_greeted_and_believed_by_the_real_bot(
    tmp_path: Path,
    account: Daily,
    library: FakeDaily,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("espeakng_loader", reason="the embedded voice is not installed")
    run = Run(config(tmp_path, account.url), library, monkeypatch)
    await run.link(capsys)
    seen: dict[str, Any] = {}

    def answer(participant: str, message: Any) -> None:
        seen[message["type"]] = message
        if message["type"] == "bargein/mark":
            played = {
                "type": "bargein/played",
                "session": message["session"],
                "epoch": message["epoch"],
                "utterance": message["utterance"],
                "played_samples": message["start_sample"] + message["samples"],
                "finished": message["last"],
                "estimate": True,
            }
            library.says(participant, played)

    library.on_sent = answer
    library.says("ann", HELLO)
    async with asyncio.timeout(15):
        while seen.get("bargein/state", {}).get("state") != "idle":
            library.speaks("ann", bytes(640))
            await asyncio.sleep(0.02)
    async with httpx.AsyncClient() as reader:
        assert "bargein_sessions 1.0" in (await reader.get(f"{run.page}/metrics")).text
    assert seen["bargein/welcome"]["bot"] == "test"
    assert seen["bargein/mark"]["last"] is True
    spoken = len(bytes(library.voice).strip(b"\0")) / 2 / 24_000
    assert 0.3 < spoken < 3
    await run.stop()
