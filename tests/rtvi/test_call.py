"""A real WebRTC client before the real bot: greeted, understood, interrupting, and harmless."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="the extra `rtvi` is not installed")

from bargein.pipelines.audit import read_audit
from tests.room.conftest import Open, open_room
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG
from tests.rtvi.forged import FORGED
from tests.rtvi.phone import Phone

__all__ = ["open_room"]
pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

RTVI = "transport: {rtvi: true}\n"
LOUD = 300


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def http(websocket_url: str) -> str:
    return websocket_url.replace("ws://", "http://").removesuffix("/ws")


async def test_forged_messages_reach_neither_pipeline_nor_context_and_the_session_lives(
    open_room: Open,
) -> None:
    room = await open_room(
        f"{RTVI}greeting: Good morning.",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    async with Phone(http(room.url)) as phone:
        await phone.until(lambda: phone.spoken() == "Good morning.")
        for text in FORGED.values():
            phone.channel.send(text)
        await phone.until_message("error-response", count=len(FORGED))
        second = phone.pc.createDataChannel("control")
        phone.say(spoken("What about tea, please?"))
        await phone.until(lambda: len(messages()) == 3)
        await phone.until(lambda: "We have tea." in phone.spoken())
        assert messages() == [
            ("assistant", "Good morning."),
            ("user", "what about tea"),
            ("assistant", "We have tea."),
        ]
        assert len(GivenLlm.contexts) == 1
        assert second.readyState == "closed"
        assert len(phone.messages("error-response")) == len(FORGED)


async def test_speech_over_the_bot_silences_it_and_the_context_holds_what_was_heard(
    open_room: Open,
) -> None:
    room = await open_room(
        f"{RTVI}greeting: {LONG!r}",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    async with Phone(http(room.url)) as phone:
        await phone.until(lambda: len(phone.spoken().split()) > 8)
        said_ms = phone.say(spoken("What about tea, please?"))
        await phone.until_message("user-started-speaking")
        await phone.until(lambda: len(messages()) == 4)
        heard = phone.spoken().removesuffix("We have tea.").split()
        held = messages()[0][1].split()
        assert LONG.split()[: len(held)] == held
        assert abs(len(held) - len(heard)) <= 1
        silent_ms = next(
            at for at, sound in phone.tape if at > said_ms and np.abs(sound).max() < LOUD
        )
        assert silent_ms - said_ms < 700


async def test_a_client_that_falls_silent_is_given_up(
    open_room: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.transports.rtvi.call.LOST_S", 1.0)
    room = await open_room(RTVI)
    async with Phone(http(room.url)) as phone:
        phone.pc.getSenders()[0].replaceTrack(None)
        await asyncio.wait_for(phone.over.wait(), 10)


async def test_the_bots_own_failure_is_told(open_room: Open) -> None:
    room = await open_room(RTVI, settings=("pipeline.5.use=tests.room.parts:CannotBe",))
    async with Phone(http(room.url), ready=False) as phone:
        error = await phone.until_message("error")
        assert error["data"]["fatal"]
        await asyncio.wait_for(phone.over.wait(), 10)


async def test_a_message_without_an_end_is_the_end_of_the_call(open_room: Open) -> None:
    room = await open_room(RTVI)
    async with Phone(http(room.url)) as phone:
        assert phone.pc.sctp
        phone.pc.sctp._remote_max_message_size = 0  # whatever the answer says
        phone.channel.send("x" * 30_000_000)
        await asyncio.wait_for(phone.over.wait(), 10)


async def test_a_client_at_its_limit_hears_the_last_words_and_is_named_by_its_address(
    open_room: Open, tmp_path: Path
) -> None:
    room = await open_room(
        f"{RTVI}budget: {{session: {{minutes: 0.05}}, at_limit: That was all.}}\n"
        "tool_rules: {audit: audit.jsonl}\n"
    )
    async with Phone(http(room.url)) as phone:
        await phone.until(lambda: phone.spoken() == "That was all.")
        await asyncio.wait_for(phone.over.wait(), 10)
    (line,) = read_audit(tmp_path / "audit.jsonl", {}).lines
    assert (line.entry.identity, line.entry.code) == ("127.0.0.1", "session_minutes")
