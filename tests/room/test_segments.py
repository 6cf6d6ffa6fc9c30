"""A recogniser without partial words: turns are taken on its final ones, prepared replies too."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bargein.ledger.entries import Line, Turn
from bargein.protocol import Transcript
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap
from tests.room.speech import spoken

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

PIPELINE = """
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 600
  - use: tests.room.parts:GivenStt
    hears: [what about tea, and milk]
  - speculation
  - use: tests.room.parts:GivenLlm
    answers: [We have tea., We have milk.]
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""


def has_spoken(caller: Caller, times: int) -> bool:
    """Whether the bot has begun to speak so often."""
    return caller.floors().count("speaking") == times


async def test_each_turn_is_answered_once_with_its_own_words(
    open_room: Open, tmp_path: Path
) -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()
    ledger = tmp_path / "ledger.jsonl"
    room = await open_room(PIPELINE, settings=(f"ledger.path={ledger}",))
    async with Caller(room.url) as caller:
        for number, text in enumerate(("What about tea?", "And milk?"), start=1):
            caller.say(spoken(text), after_s=0.3)
            await caller.until(partial(has_spoken, caller, number))
            await caller.until(lambda: caller.floors()[-1] == "idle")
        finals = [each.text for each in caller.messages(Transcript) if each.final]
    await room.close()
    assert finals == ["what about tea", "and milk"]
    turns = [Line.read(line) for line in ledger.read_text().splitlines()]
    heard = [turn.heard_text for turn in turns if isinstance(turn, Turn)]
    assert heard == ["We have tea.", "We have milk."]
