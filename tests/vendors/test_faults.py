"""What goes wrong at a vendor in mid-call: what the caller hears and is told, and what it costs.

A conversation outlives whatever may pass; where a service is lost for good the caller is told and
the call ends, in bounded time. Nobody is left with a bot that is mute or deaf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from loguru import logger
from websockets.asyncio.client import connect

from bargein.protocol import Accepted, Codec, Error, Hello
from tests.room.caller import heard_words
from tests.room.conftest import Open, open_room
from tests.room.test_edges import answers
from tests.vendors import anthropic, elevenlabs
from tests.vendors.account import Refusal
from tests.vendors.anthropic import Answer, Request
from tests.vendors.calls import Call, call
from tests.vendors.latency import Synthesis, Writing

__all__ = ["open_room"]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

TURNS = ["Two teas please.", "Is there any cake?", "Then I take three.", "Where is my order?"]
ENDS_WITHIN_S = 5.0
KEY = "sk-another-key-0123456789"


@pytest.fixture(autouse=True)
def log() -> Iterator[list[str]]:
    """Gather what the log says from warnings on, with tracebacks as the command prints them."""
    lines: list[str] = []
    handler = logger.add(lines.append, level="WARNING", format="{message}", diagnose=False)
    yield lines
    logger.remove(handler)
    assert not [line for line in lines if "dangling" in line]


def plainly(request: Request) -> Answer:
    return Answer(f"You said {request.last}")


async def asked(room_call: Call, count: int) -> None:
    """The LLM has been asked so often."""
    llm = room_call.llm
    await room_call.caller.until(lambda: len(llm.requests) + llm.account.refused == count)


async def ended(room_call: Call) -> None:
    """The server has hung up."""
    await asyncio.wait_for(room_call.caller.socket.wait_closed(), ENDS_WITHIN_S)


# --- the LLM ---------------------------------------------------------------------------------

PASSING: dict[str, tuple[Refusal | anthropic.Wrong, ...]] = {
    "refused, cut off, garbled": (Refusal(503), anthropic.Wrong.LEAVES, anthropic.Wrong.GARBLED),
    "limited, stalled": (Refusal(429), anthropic.Wrong.STALLS),
}
CODES = {429: "limit_reached"}


@pytest.mark.parametrize("faults", PASSING)
async def test_an_llm_that_fails_is_told_and_the_next_turn_is_answered(
    faults: str, open_room: Open
) -> None:
    to_come = list(PASSING[faults])

    def answer(request: Request) -> Answer:
        if not to_come:
            return plainly(request)
        wrong = to_come.pop(0)
        assert isinstance(wrong, anthropic.Wrong)
        return Answer("Well, that is, let me see, one moment.", wrong=wrong, after_tokens=4)

    async with call(open_room, TURNS, answer) as bot:
        for number, turn in enumerate(TURNS[: len(to_come)], start=1):
            wrong = to_come[0]
            if isinstance(wrong, Refusal):
                bot.llm.account.refusals.append(wrong)
                del to_come[0]
            await bot.says(turn)
            await asked(bot, number)
            error = await bot.error(number)
            status = wrong.status if isinstance(wrong, Refusal) else 0
            assert (error.code, error.final) == (CODES.get(status, "processor_failed"), False)
            assert "the conversation goes on" in error.message
            await bot.idle()
        last = TURNS[len(PASSING[faults])]
        await bot.answers(last)
        assert heard_words(bot.caller, max(bot.caller.tape)) == f"You said {last}"
        # What was begun is cancelled, and nothing is asked for twice.
        assert len(bot.llm.requests) == 1 + sum(
            isinstance(wrong, anthropic.Wrong) for wrong in PASSING[faults]
        )
        assert all(each.cancelled for each in bot.llm.requests[:-1])


async def test_a_service_that_wants_half_a_minute_is_told_at_once_a_slow_one_is_waited_for(
    open_room: Open,
) -> None:
    slow = Writing(whole_ms=650, first_ms=600)
    async with call(open_room, TURNS, plainly, retries=2, writing=slow) as bot:
        bot.llm.account.refusals.append(Refusal(429, retry_after_s=30))
        await bot.says(TURNS[0])
        assert "the conversation goes on" in (await bot.error()).message
        await bot.idle()
        assert bot.llm.account.refused == 1
        await bot.answers(TURNS[1])
        assert heard_words(bot.caller, max(bot.caller.tape)) == f"You said {TURNS[1]}"
        assert len(bot.caller.messages(Error)) == 1


async def test_a_key_that_is_refused_in_mid_call_ends_the_call_with_a_clear_code(
    open_room: Open, log: list[str]
) -> None:
    async with call(open_room, TURNS, plainly) as bot:
        await bot.answers(TURNS[0])
        bot.llm.account.key = KEY
        await bot.says(TURNS[1])
        error = await bot.error()
        assert (error.code, error.final) == ("key_refused", True)
        await ended(bot)
        told = [line for line in log if "Anthropic refuses the key in ANTHROPIC_API_KEY" in line]
        assert told
        assert len(bot.llm.requests) == 1


# --- the recogniser ---------------------------------------------------------------------------


async def test_a_recogniser_that_is_cut_off_and_talks_nonsense_hears_what_is_said_right_behind(
    open_room: Open,
) -> None:
    async with call(open_room, TURNS, plainly) as bot:
        await bot.stt.babble('{"type": "SomethingNew", "value": 1}')
        await bot.stt.babble('{"type": "Results", "channel')
        bot.stt.drop()
        await bot.answers(TURNS[0])
        assert heard_words(bot.caller, 1) == f"You said {TURNS[0]}"
        assert len(bot.stt.connections) >= 2
        assert not any(error.final for error in bot.caller.messages(Error))


async def test_a_recogniser_that_refuses_the_key_at_a_reconnection_ends_the_call(
    open_room: Open, log: list[str]
) -> None:
    async with call(open_room, TURNS, plainly) as bot:
        bot.stt.account.key = KEY
        bot.stt.drop()
        await bot.caller.until(lambda: any(each.final for each in bot.caller.messages(Error)))
        assert bot.caller.messages(Error)[-1].code == "key_refused"
        await ended(bot)
        assert any("Deepgram refuses the key in DEEPGRAM_API_KEY" in line for line in log)


# --- the voice ----------------------------------------------------------------------------------

VOICE = [
    (elevenlabs.Wrong.LEAVES, elevenlabs.Wrong.FAILS),
    (elevenlabs.Wrong.GARBLED, elevenlabs.Wrong.SILENT),
]


@pytest.mark.parametrize("faults", VOICE, ids=lambda faults: "-".join(map(str, faults)))
async def test_a_voice_that_fails_speaks_again_at_the_next_turn(
    faults: tuple[elevenlabs.Wrong, ...], open_room: Open
) -> None:
    to_come = list(faults)

    def wrong(text: str) -> elevenlabs.Wrong:
        return to_come.pop(0) if to_come else elevenlabs.Wrong.NOTHING

    async with call(open_room, TURNS, plainly, wrong=wrong) as bot:
        for number, turn in enumerate(TURNS[: len(faults)], start=1):
            await bot.says(turn)
            await asked(bot, number)
            await bot.idle()
        await bot.answers(TURNS[2])
        assert heard_words(bot.caller, max(bot.caller.tape)) == f"You said {TURNS[2]}"
        assert not any(error.final for error in bot.caller.messages(Error))


async def test_a_voice_that_refuses_the_key_at_a_reconnection_ends_the_call(
    open_room: Open, log: list[str]
) -> None:
    async with call(open_room, TURNS, plainly) as bot:
        bot.tts.account.key = KEY
        bot.tts.drop()
        await bot.caller.until(lambda: any(each.final for each in bot.caller.messages(Error)))
        assert bot.caller.messages(Error)[-1].code == "key_refused"
        await ended(bot)
        assert any("ElevenLabs refuses the key in ELEVENLABS_API_KEY" in line for line in log)


async def test_no_call_begins_where_a_key_is_refused_by_now(open_room: Open) -> None:
    async with call(open_room, TURNS, plainly) as bot:
        bot.stt.account.key = KEY
        async with connect(bot.caller.url) as socket:
            await socket.send(Codec.write(Hello(seq=1)))
            last = (await answers(socket))[-1]
    assert isinstance(last, Error)
    assert last.final
    assert "Deepgram refuses the key in DEEPGRAM_API_KEY" in last.message


# --- interruptions -----------------------------------------------------------------------------

LONG = " ".join(f"This is sentence number {number} of my long story." for number in range(40))


@pytest.mark.parametrize("speculation", [False, True])
async def test_nothing_is_written_or_spoken_for_a_reply_that_was_interrupted(
    speculation: bool, open_room: Open
) -> None:
    def answer(request: Request) -> Answer:
        return Answer(LONG) if "teas" in request.last else plainly(request)

    slowly = Writing(whole_ms=12_000, first_ms=50)
    async with call(open_room, TURNS, answer, writing=slowly, speculation=speculation) as bot:
        await bot.says(TURNS[0])
        await bot.caller.until(lambda: bot.caller.played_ms(1) > 800)
        await bot.says(TURNS[1])
        await bot.caller.until_message(Accepted)
        (interrupted,) = [each for each in bot.llm.requests if each.reply == LONG][-1:]
        await bot.caller.until(lambda: interrupted.cancelled, within_s=1.0)
        tokens = interrupted.tokens
        chars = [each.chars for each in bot.tts.contexts if not each.finished]
        await bot.caller.until(lambda: max(bot.caller.tape) > 1)
        assert interrupted.tokens == tokens
        assert tokens < 150
        spoken = " ".join(text for each in bot.tts.contexts for text in each.texts)
        # No more than the voice is ahead of the ear.
        assert spoken.count("sentence number") <= 6, chars


async def test_what_a_voice_still_sends_of_an_interrupted_reply_shifts_no_later_word(
    open_room: Open,
) -> None:
    def answer(request: Request) -> Answer:
        return Answer(LONG) if "teas" in request.last else plainly(request)

    slow_voice = Synthesis(whole_ms=3000, first_ms=50)
    async with call(open_room, TURNS, answer, synthesis=slow_voice) as bot:
        await bot.says(TURNS[0])
        await bot.caller.until(lambda: bot.caller.played_ms(1) > 600)
        await bot.says(TURNS[1])
        await bot.caller.until_message(Accepted)
        await bot.caller.until(lambda: max(bot.caller.tape) > 1)
        await bot.idle()
        assert heard_words(bot.caller, max(bot.caller.tape)) == f"You said {TURNS[1]}"
