"""What the bot says when it goes on was said before: it sounds at once, and the rest behind it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bargein.pipelines.load import load
from bargein.pipelines.resume_phrases import prepare
from bargein.processors.clock import monotonic_ms
from bargein.protocol import Accepted, SpokenWord, Transcript, Words
from tests.room.caller import heard_words
from tests.room.conftest import Open, open_room
from tests.room.speech import spoken
from tests.vendors.anthropic import Answer, Request
from tests.vendors.calls import Call, call
from tests.vendors.elevenlabs import CHAR_MS, Wrong
from tests.vendors.latency import Synthesis
from tests.vendors.voice import RATE_HZ

__all__ = ["open_room"]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

PHRASE = "As I was saying,"
TURN = "Two teas please."
FIRST = "Well, our house tea is from the hills, and it is very good."
LAST = "It comes in a pot for two, with milk or with lemon."
FIRST_BYTE_MS = 300


def answer(_: Request) -> Answer:
    return Answer(f"{FIRST} {LAST} {LAST}")


async def misfire(bot: Call) -> float:
    """Have the bot interrupted by a voice without words; gives when it knew that it was nothing."""
    await bot.says(TURN)
    await bot.caller.until(lambda: bot.caller.played_ms(1) > 1100)
    bot.caller.say(spoken("ah ah")[: int(0.4 * 16_000)].astype(np.int16))
    await bot.caller.until_message(Accepted)

    def nothing() -> bool:
        at = [type(each) for each in bot.caller.received].index(Accepted)
        told = [each for each in bot.caller.received[at:] if isinstance(each, Transcript)]
        return any(each.final and not each.text for each in told)

    await bot.caller.until(nothing)
    return monotonic_ms()


def words_of(bot: Call, utterance: int) -> list[SpokenWord]:
    words: dict[int, SpokenWord] = {}
    for message in bot.caller.messages(Words):
        if message.utterance == utterance:
            words.update(enumerate(message.words, start=message.first_word))
    return [words[index] for index in sorted(words)]


async def prepared(folder: Path) -> None:
    """Have the phrases said, as `bargein run` does."""
    said = await prepare(load(folder / "test.yaml", environ=os.environ), RATE_HZ)
    assert [word for word, _ in said[PHRASE].words] == PHRASE.split()


@pytest.mark.parametrize("is_prepared", [False, True])
async def test_the_phrase_of_a_resume_sounds_at_once_if_it_was_said_before(
    is_prepared: bool, open_room: Open, tmp_path: Path
) -> None:
    slow = Synthesis(whole_ms=400, first_ms=FIRST_BYTE_MS)
    before = partial(prepared, tmp_path) if is_prepared else None
    async with call(open_room, [TURN], answer, synthesis=slow, before_calls=before) as bot:
        known_ms = await misfire(bot)
        await bot.caller.until(lambda: 2 in bot.caller.heard_ms)
        waited_ms = bot.caller.heard_ms[2] - known_ms
        print(f"from the misfire to the phrase: {waited_ms:.0f} ms")  # a figure of docs/cloud.md
        assert (waited_ms < FIRST_BYTE_MS / 2) is is_prepared
        await bot.idle()
        # One utterance: the phrase, then the cut sentence from its start, no word lost or moved.
        assert heard_words(bot.caller, 2) == f"{PHRASE} {LAST} {LAST}"
        assert sorted(bot.caller.tape) == [1, 2]
        told = words_of(bot, 2)
        per_char = RATE_HZ * CHAR_MS // 1000
        text, start = f"{LAST} {LAST}", told[len(PHRASE.split())].start_sample
        behind = [each.start_sample - start for each in told[len(PHRASE.split()) : -1]]
        spaces = [0, *(at + 1 for at, char in enumerate(text) if char == " ")]
        assert behind == [at * per_char for at in spaces[:-1]]


async def test_where_the_rest_never_comes_the_phrase_is_all_and_the_floor_is_free(
    open_room: Open, tmp_path: Path
) -> None:
    def wrong(text: str) -> Wrong:
        return Wrong.SILENT if text.count(LAST) > 1 else Wrong.NOTHING

    before = partial(prepared, tmp_path)
    async with call(open_room, [TURN], answer, wrong=wrong, before_calls=before) as bot:
        await misfire(bot)
        await bot.caller.until(lambda: 2 in bot.caller.heard_ms)
        await bot.idle()
        assert heard_words(bot.caller, 2) == PHRASE
