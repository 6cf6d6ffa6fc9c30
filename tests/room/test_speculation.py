"""A prepared reply over a real WebSocket: heard whole when it fits, and never when it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bargein.ledger.entries import Line, SessionEnd, Speculated, Turn
from bargein.protocol import Latency, Transcript, Words
from bargein.speculation import Outcome
from tests.room.caller import Caller, same_voice
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap
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


def turns_of(ledger: Path) -> tuple[list[Turn], Speculated]:
    """The turns of a session, and what its last line says of predictions."""
    lines = [Line.read(line) for line in ledger.read_text().splitlines()]
    turns = [line for line in lines if isinstance(line, Turn)]
    (end,) = (line for line in lines if isinstance(line, SessionEnd))
    return sorted(turns, key=lambda turn: turn.number), end.speculation


async def test_a_prepared_reply_is_heard_sample_by_sample_and_asked_for_once(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    pipeline = PIPELINE.format(hears="[what about tea]", answers="[We have tea.]")
    room = await open_room(pipeline, settings=(f"ledger.path={ledger}",))
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
    await room.close()
    (turn,), did = turns_of(ledger)
    assert [each.outcome for each in turn.predictions] == [Outcome.CONFIRMED]
    assert turn.latency
    # Nobody waited for the LLM or the TTS: their work was done before the turn was over.
    assert (turn.latency.first_token, turn.latency.first_tts_audio) == (0, 0)
    assert turn.saved_ms > 0
    (told,) = caller.messages(Latency)
    assert (told.total_ms, told.saved_ms) == (turn.response_ms, turn.saved_ms)
    assert (told.speculated, told.predictions, told.confirmed) == (True, 1, 1)
    assert (did.hit_rate, did.wasted_calls, did.wasted_tokens) == (1, 0, 0)


async def test_of_a_reply_to_other_words_nothing_is_heard_or_written(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    hears = "[what about tea]\n    means: [what about peas]"
    pipeline = PIPELINE.format(hears=hears, answers="[We have tea., No peas today.]")
    room = await open_room(pipeline, settings=(f"ledger.path={ledger}",))
    async with Caller(room.url) as caller:
        caller.say(spoken("What about peas?"), after_s=0.3)
        await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        asked: list[Any] = [each.messages[-1] for each in GivenLlm.contexts[:2]]
        assert [each["content"] for each in asked] == ["what about tea", "what about peas"]
        shown = [word.text for each in caller.messages(Words) for word in each.words]
        assert "tea." not in shown
        assert list(caller.tape) == [1]
    await room.close()
    turns, did = turns_of(ledger)
    assert (turns[-1].transcript, turns[-1].heard_text) == ("what about peas", "No peas today.")
    wrong = turns[0].predictions[0]
    assert (wrong.text, wrong.outcome) == ("what about tea", Outcome.OTHER_WORDS)
    assert did.wasted_tokens == sum(turn.wasted_tokens for turn in turns) > 0
    # What the dropped reply had reached is not the turn's.
    answered = turns[-1]
    assert answered.stages.first_token is not None
    assert wrong.resolved_ms is not None
    reached_ms = answered.opened_ms + answered.stages.first_token
    assert reached_ms >= turns[0].opened_ms + wrong.resolved_ms
