"""One visitor at a time talks with the bot; others are told; who is lost makes room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bargein.errors import PartError
from bargein.packet import Kind, Packet
from bargein.protocol import Accepted, Contested, Reason, Rejected, State, Welcome, Words
from bargein.protocol import SpokenWord as Word
from bargein.transports.daily import meeting as meetings
from bargein.transports.daily.meeting import Meeting
from bargein.transports.daily.visitor import MOST_MESSAGE_BYTES, Visitor
from bargein.transports.local.transport import LocalTransport
from tests.daily.fake_daily import FakeDaily

RATE_HZ = 24_000
HELLO = {"type": "bargein/hello", "capabilities": {"vad": True}}


class Bot:
    """Takes the place of a pipeline: it runs until its visitor is gone."""

    def __init__(self) -> None:
        self.visitors: list[Visitor] = []
        self.vads: list[bool] = []
        self.fails: Exception | None = None
        self.ends_slowly_s = 0.0

    async def serve(self, transport: LocalTransport, visitor: Visitor) -> None:
        self.vads.append(transport.capabilities.vad)
        self.visitors.append(visitor)
        if self.fails:
            raise self.fails
        await visitor.closed.wait()
        await asyncio.sleep(self.ends_slowly_s)


@asynccontextmanager
async def meeting(library: FakeDaily, bot: Bot) -> AsyncIterator[Meeting]:
    stop = asyncio.Event()
    held = Meeting(library, bot.serve, sample_rate_hz=RATE_HZ)
    await held.call.join("https://test.daily.co/room", "token", name="Cafe")
    running = asyncio.create_task(held.run(stop))
    yield held
    stop.set()
    async with asyncio.timeout(5):
        await running


async def until(done: Callable[[], Any]) -> None:
    async with asyncio.timeout(3):
        while not done():  # noqa: ASYNC110 (a fake offers no event)
            await asyncio.sleep(0.005)


def told(library: FakeDaily, participant: str) -> list[dict[str, Any]]:
    return [message for who, message in library.sent if who == participant]


async def test_the_first_who_says_hello_talks_and_the_second_is_told(library: FakeDaily) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("ann", HELLO)
        library.says("bob", HELLO)
        await until(lambda: told(library, "bob"))
        assert [each.participant for each in bot.visitors] == ["ann"]
        assert bot.vads == [True]
        (refusal,) = told(library, "bob")
        assert (refusal["code"], refusal["final"]) == ("room_full", True)


async def test_who_says_no_hello_gets_no_bot_and_disturbs_nobody(library: FakeDaily) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("bob", {"type": "bargein/ping"})
        library.says("bob", "nonsense")
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        assert [each.participant for each in bot.visitors] == ["ann"]
        assert library.sent == []


async def test_a_visitor_who_left_makes_room_for_a_new_conversation(library: FakeDaily) -> None:
    bot = Bot()
    async with meeting(library, bot) as held:
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        library.leaves("bob")
        library.leaves("ann")
        await until(lambda: held.visitor is None)
        library.says("bob", HELLO)
        await until(lambda: len(bot.visitors) == 2)


async def test_who_comes_while_the_last_conversation_ends_is_not_sent_away(
    library: FakeDaily,
) -> None:
    bot = Bot()
    bot.ends_slowly_s = 0.1
    async with meeting(library, bot) as held:
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        library.leaves("ann")
        library.says("bob", HELLO)
        await until(lambda: held.visitor is None)
        library.says("bob", HELLO)
        await until(lambda: len(bot.visitors) == 2)
        assert told(library, "bob") == []


async def test_a_visitor_of_whom_nothing_is_heard_is_let_go(
    library: FakeDaily, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meetings, "LOST_S", 0.05)
    monkeypatch.setattr(meetings, "LOOK_EVERY_S", 0.01)
    bot = Bot()
    async with meeting(library, bot) as held:
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        await until(lambda: held.visitor is None)


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({**HELLO, "protocol": 2}, "version"),
        ({**HELLO, "capabilities": {"microphone_rate_hz": 48_000}}, "bad_rate"),
        ({**HELLO, "capabilities": 5}, "bad_message"),
    ],
)
async def test_a_hello_that_can_not_be_served_is_answered(
    library: FakeDaily, hello: dict[str, Any], code: str
) -> None:
    async with meeting(library, Bot()):
        library.says("ann", hello)
        await until(lambda: told(library, "ann"))
        assert told(library, "ann")[0]["code"] == code


async def test_a_bot_that_can_not_run_says_so_and_the_room_stays_open(library: FakeDaily) -> None:
    bot = Bot()
    bot.fails = PartError("the voice is missing")
    async with meeting(library, bot) as held:
        library.says("ann", HELLO)
        await until(lambda: told(library, "ann"))
        assert told(library, "ann")[0]["message"] == "the voice is missing"
        await until(lambda: held.visitor is None)
        bot.fails = None
        library.says("ann", HELLO)
        await until(lambda: len(bot.visitors) == 2)


async def test_the_meeting_ends_with_the_call(library: FakeDaily) -> None:
    held = Meeting(library, Bot().serve, sample_rate_hz=RATE_HZ)
    await held.call.join("https://test.daily.co/room", "token", name="Cafe")
    library.ends()
    async with asyncio.timeout(2):
        await held.run(asyncio.Event())
    assert "expired" in held.call.why


# --- what goes to and comes from a visitor --------------------------------------------------


@pytest.mark.slow
async def test_the_microphone_comes_as_packets_with_a_running_count_and_no_backlog(
    library: FakeDaily,
) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("ann", HELLO)
        await until(lambda: library.client and library.client.renderers)
        library.speaks("ann", b"\1\0" * 320)
        await asyncio.sleep(0.02)
        bot.visitors[0].send(Welcome())
        for _ in range(50):
            library.speaks("ann", b"\2\0" * 320)
        await asyncio.sleep(1.0)
        library.speaks("ann", b"\3\0" * 320)
        library.speaks("ann", b"\4\0" * 320)
        packets: list[Packet] = []
        async with asyncio.timeout(2):
            while len(packets) < 2:
                data = await bot.visitors[0].receive()
                assert isinstance(data, bytes)
                packets.append(Packet.unpack(data))
    assert [each.start_sample for each in packets] == [0, 320]
    assert [each.pcm[:2] for each in packets] == [b"\3\0", b"\4\0"]


def voice(samples: int, start: int, epoch: int) -> Packet:
    return Packet(Kind.BOT, epoch, 1, start, b"\1\0" * samples)


async def test_the_voice_goes_into_the_track_and_marks_say_where(library: FakeDaily) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        visitor = bot.visitors[0]
        visitor.send(State(session="s", seq=4, state="speaking"))
        visitor.send_audio(voice(4800, 0, 1))
        await until(lambda: library.voice.count(b"\1") == 4800)
        await until(lambda: told(library, "ann")[-1]["start_sample"] == 7 * 480)
        marks = [each for each in told(library, "ann") if each["type"] == "bargein/mark"]
        assert {(each["session"], each["seq"], each["epoch"]) for each in marks} == {("s", 4, 1)}
        assert sum(each["samples"] for each in marks) == 4800


async def test_contested_stops_the_track_and_a_rejection_sends_again_from_the_sample(
    library: FakeDaily,
) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        visitor = bot.visitors[0]
        visitor.send(Contested(epoch=1, utterance=1, verdict_deadline_ms=600))
        visitor.send_audio(voice(4800, 0, 1))
        quiet = len(library.voice)
        await until(lambda: len(library.voice) > quiet + 3 * 960)
        assert b"\1" not in library.voice
        visitor.send(Rejected(epoch=2, utterance=1, at_sample=960, reason=Reason.ECHO))
        visitor.send_audio(voice(480, 960, 2))
        await until(lambda: library.voice.count(b"\1") == 480)
        mark = told(library, "ann")[-1]
        assert (mark["epoch"], mark["start_sample"]) == (2, 960)


async def test_no_message_is_larger_than_daily_takes(library: FakeDaily) -> None:
    bot = Bot()
    async with meeting(library, bot):
        library.says("ann", HELLO)
        await until(lambda: bot.visitors)
        words = tuple(Word(text=f"word{n}", start_sample=n, end_sample=n + 1) for n in range(300))
        visitor = bot.visitors[0]
        visitor.send(Words(utterance=1, words=words))
        visitor.send(Accepted(utterance=1, cut_samples=1, unheard_text="word " * 2000))
        visitor.send_value({"type": "mine", "text": "x" * 5000})
        visitor.send_value({"type": "mine"})
    sizes = [len(json.dumps(message).encode()) for message in told(library, "ann")]
    assert max(sizes) <= MOST_MESSAGE_BYTES + 300
    assert told(library, "ann")[-1] == {"type": "mine"}
