"""A prepared reply over a real WebSocket: heard whole when it fits, and never when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.protocol import Transcript, Words
from tests.room.caller import Caller, same_voice
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import spoken

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

PIPELINE = """
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 600
  - use: tests.room.parts:EagerStt
    hears: {hears}
  - use: speculation
    stable_ms: 100
  - use: tests.room.parts:GivenLlm
    answers: {answers}
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


async def test_a_prepared_reply_is_heard_sample_by_sample_and_asked_for_once(
    open_room: Open,
) -> None:
    room = await open_room(PIPELINE.format(hears="[what about tea]", answers="[We have tea.]"))
    async with Caller(room.url) as caller:
        caller.say(spoken("What about tea?"), after_s=0.3)
        await caller.until(lambda: bool(Tap.made))
        # It was made while the user spoke; the listener knows nothing of it.
        assert caller.messages(Words) == []
        assert caller.floors()[-1] == "listening"
        await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        assert same_voice(bytes(caller.tape[1]), b"".join(Tap.made))
        assert len(GivenLlm.contexts) == 1
        finals = [each.text for each in caller.messages(Transcript) if each.final]
        assert finals == ["what about tea"]


async def test_of_a_reply_to_other_words_nothing_is_heard_or_written(open_room: Open) -> None:
    hears = "[what about tea]\n    means: [what about peas]"
    room = await open_room(PIPELINE.format(hears=hears, answers="[We have tea., No peas today.]"))
    async with Caller(room.url) as caller:
        caller.say(spoken("What about peas?"), after_s=0.3)
        await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        asked: list[Any] = [each.messages[-1] for each in GivenLlm.contexts[:2]]
        assert [each["content"] for each in asked] == ["what about tea", "what about peas"]
        both = [("user", "what about peas"), ("assistant", "No peas today.")]
        await caller.until(lambda: messages() == both)
        shown = [word.text for each in caller.messages(Words) for word in each.words]
        assert "tea." not in shown
        assert list(caller.tape) == [1]
