"""A client that is lost and comes back: the real pipeline, and a real WebSocket that is cut."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from bargein.client.client import Client, ClientSettings
from bargein.ledger.entries import SessionEnd
from bargein.protocol import Accepted, Codec, Error, Goodbye, Hello, Resume, Welcome
from tests.room.caller import Caller, heard_words, same_voice
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG, MIDDLE, SHORT

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def repeated_samples(caller: Caller, utterance: int) -> int:
    """How much of an utterance sounded twice; fails where any of it is missing or wrong."""
    made, heard, repeated = b"".join(Tap.made), bytearray(), 0
    for said, start, pcm in caller.stretches:
        if said != utterance:
            continue
        assert 2 * start <= len(heard), f"{2 * start - len(heard)} bytes are missing"
        assert same_voice(pcm, made[2 * start : 2 * start + len(pcm)])
        repeated += min(len(pcm), len(heard) - 2 * start) // 2
        heard[2 * start : 2 * start + len(pcm)] = pcm
    assert len(heard) == len(made)
    return repeated


async def until_idle(caller: Caller) -> None:
    """Wait until nobody has the floor."""
    await caller.until(lambda: caller.floors()[-1:] == ["idle"])


@pytest.mark.parametrize("away_s", [0.0, 0.4])
async def test_a_short_loss_in_mid_sentence_loses_and_repeats_nothing(
    open_room: Open, away_s: float
) -> None:
    room = await open_room(f"greeting: {SHORT!r}")
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 900)
        caller.drop()
        await caller.rest(away_s)
        welcome = await caller.come_back()
        assert (welcome.session, welcome.epoch) == (caller.welcome.session, 2)
        assert welcome.goes_on
        assert welcome.goes_on.utterance == 1
        assert welcome.key not in ("", caller.welcome.key)
        await until_idle(caller)
        assert repeated_samples(caller, 1) == 0
        assert heard_words(caller, 1) == SHORT


async def test_after_a_longer_loss_the_word_that_was_cut_is_said_again_and_no_other(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {SHORT!r}", settings=("pipeline.3.answers=[We do.]",))
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1200)
        caller.drop()
        await caller.rest(1.2)
        cut_at = caller.client.position[1]
        welcome = await caller.come_back()
        assert welcome.goes_on
        again = cut_at - welcome.goes_on.at_sample
        assert 0 <= again < caller.rate_hz
        await until_idle(caller)
        assert repeated_samples(caller, 1) == again


async def test_what_was_said_last_is_answered_when_the_client_is_back(open_room: Open) -> None:
    room = await open_room(
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]")
    )
    async with Caller(room.url) as caller:
        caller.say(spoken("What about tea, please?"))
        await caller.until(lambda: caller.floors()[-1:] == ["listening"])
        await caller.rest(0.8)
        caller.drop()
        await caller.until(lambda: len(GivenLlm.contexts) > 0)
        await caller.rest(1.0)
        assert not Tap.made or not caller.tape
        welcome = await caller.come_back()
        assert welcome.state == "processing"
        await until_idle(caller)
        assert same_voice(bytes(caller.tape[1]), b"".join(Tap.made))
        await caller.until(lambda: len(messages()) == 2)
        assert messages() == [("user", "what about tea"), ("assistant", "We have tea.")]


async def test_a_contest_that_is_open_when_the_line_is_cut_is_over_when_it_is_back(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {SHORT!r}")
    async with Caller(room.url, threshold=0.3) as caller:
        await caller.until(lambda: caller.played_ms(1) > 900)
        caller.say(spoken("What about tea, please?"))
        await caller.until(lambda: caller.client.contesting)
        caller.drop()
        await caller.rest(0.3)
        welcome = await caller.come_back()
        assert welcome.state in ("speaking", "listening")
        await until_idle(caller)
        assert not caller.client.muted


async def test_the_words_of_a_barge_in_after_the_return_are_those_that_were_heard(
    open_room: Open,
) -> None:
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=("pipeline.2.hears=[what about tea]", "pipeline.3.answers=[We have tea.]"),
    )
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1500)
        caller.drop()
        await caller.rest(1.2)
        await caller.come_back()
        await caller.until(lambda: caller.played_ms(1) > 2500)
        caller.say(spoken("What about tea"))
        accepted = await caller.until_message(Accepted)
        await caller.until(lambda: len(messages()) == 4)
        assert messages()[0] == ("assistant", accepted.heard_text)
        assert f"{accepted.heard_text} {accepted.unheard_text}" == LONG
        furthest = max(start + len(pcm) // 2 for at, start, pcm in caller.stretches if at == 1)
        assert accepted.cut_samples == furthest


async def test_who_comes_back_too_late_finds_another_session(open_room: Open) -> None:
    room = await open_room(
        f"greeting: {MIDDLE!r}", settings=("transport.grace_s=0.3", "transport.max_sessions=1")
    )
    async with Caller(room.url) as caller:
        assert caller.welcome.grace_s == 0.3
        await caller.until(lambda: caller.played_ms(1) > 300)
        caller.drop()
        await caller.rest(1.5)
        welcome = await caller.come_back()
        assert welcome.session != caller.welcome.session
        assert welcome.goes_on is None


async def test_the_newer_connection_has_the_session_and_the_older_one_is_told(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}", settings=("transport.max_sessions=1",))
    async with Caller(room.url) as first:
        await first.until(lambda: first.played_ms(1) > 300)
        second = Caller(room.url)
        welcome = first.welcome
        second.client = Client(
            ClientSettings(duck_on_hint=False),
            resume=Resume(session=welcome.session, key=welcome.key),
        )
        async with second:
            assert second.welcome.session == welcome.session
            error = await first.until_message(Error)
            assert (error.code, error.final) == ("taken_over", True)
            await second.until(lambda: second.played_ms(1) > 300)


async def first_welcome(url: str, hello: Hello) -> Welcome:
    """What a client is welcomed with that leaves at once; it tries until a seat is free."""
    async with asyncio.timeout(10):
        while True:
            async with connect(url) as socket:
                await socket.send(Codec.write(hello))
                answer = Codec.read_server(str(await socket.recv()))
                if isinstance(answer, Welcome):
                    await socket.send(Codec.write(Goodbye()))
                    return answer
            await asyncio.sleep(0.1)


async def test_a_wrong_key_and_an_old_one_open_no_session_but_a_new_one(open_room: Open) -> None:
    room = await open_room(f"greeting: {MIDDLE!r}", settings=("transport.max_sessions=2",))
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 300)
        first = caller.welcome
        caller.drop()
        await caller.come_back()
        await caller.until(lambda: caller.played_ms(1) > 900)
        for key in ("", "wrong", first.key):
            resume = Resume(session=first.session, key=key)
            other = await first_welcome(room.url, Hello(resume=resume))
            assert other.session != first.session
        assert not caller.messages(Error)


async def test_a_goodbye_frees_the_seat_at_once_and_the_ledger_knows_of_an_absence(
    open_room: Open, tmp_path: Path
) -> None:
    room = await open_room(
        f"greeting: {SHORT!r}\nledger: {{path: {tmp_path}/ledger.jsonl}}",
        settings=("transport.max_sessions=1",),
    )
    async with Caller(room.url) as caller:
        await caller.until(lambda: caller.played_ms(1) > 300)
        caller.drop()
        await caller.rest(0.5)
        await caller.come_back()
        await caller.until(lambda: caller.played_ms(1) > 600)
        caller.client.leave()
        await asyncio.wait_for(caller.socket.wait_closed(), 5)
    other = await first_welcome(room.url, Hello())
    assert other.session != caller.welcome.session
    await room.close()
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    read = [json.loads(line) for line in lines]
    end = SessionEnd.model_validate(next(each for each in read if each["kind"] == "session"))
    assert [each.away_ms is not None and each.away_ms > 400 for each in end.absences] == [True]
