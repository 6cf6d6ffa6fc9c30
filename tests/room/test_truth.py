"""Ten interruptions at random moments: the context holds the words that were played."""

from __future__ import annotations

import random
from functools import partial

import pytest

from bargein.protocol import Accepted
from tests.room.caller import Caller, heard_words
from tests.room.conftest import Open
from tests.room.parts import messages
from tests.room.speech import spoken
from tests.room.test_barge_in import LONG

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
INTERRUPTIONS = 10


def has_heard(caller: Caller, utterance: int, moment_ms: float) -> bool:
    """Whether so much was heard, or somebody was faster."""
    return caller.played_ms(utterance) > moment_ms or utterance not in caller.voices


def said() -> list[str]:
    """What the context says that the bot said."""
    return [text for role, text in messages() if role == "assistant"]


async def test_ten_interruptions_leave_exactly_what_was_played(open_room: Open) -> None:
    rng = random.Random(5)
    hears = "[" + ", ".join(f"question {n}" for n in range(INTERRUPTIONS)) + "]"
    answers = "[" + ", ".join(repr(LONG) for _ in range(INTERRUPTIONS)) + "]"
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=(f"pipeline.2.hears={hears}", f"pipeline.3.answers={answers}"),
    )
    question = spoken("What about that?")
    async with Caller(room.url) as caller:
        while len(caller.messages(Accepted)) < INTERRUPTIONS:
            await caller.until(lambda: bool(caller.voices))
            utterance, moment_ms = min(caller.voices), rng.uniform(50, 2000)
            await caller.until(partial(has_heard, caller, utterance, moment_ms))
            before = len(caller.messages(Accepted))
            caller.say(question)
            await caller.until_message(Accepted, count=before + 1)
        cuts = caller.messages(Accepted)
        for cut in cuts:
            assert cut.cut_samples == len(caller.tape.get(cut.utterance, b"")) // 2
        expected = [text for cut in cuts if (text := heard_words(caller, cut.utterance))]
        await caller.until(lambda: len(said()) >= len(expected))
        assert said()[: len(expected)] == expected
