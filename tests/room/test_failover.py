"""A call whose LLM fails goes on with the next, with prepared replies too."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.failover import Cause
from bargein.ledger.entries import Line, SessionEnd, Turn
from bargein.speculation import Outcome
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.parts import GivenLlm, Tap
from tests.room.speech import spoken
from tests.vendors.latency import Writing
from tests.vendors.openai import Answer, OpenAI, Status

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

PIPELINE = """
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 600
  - use: tests.room.parts:EagerStt
    hears: [what about tea]
    means: [{means}]
  - use: speculation
    stable_ms: 100
    wait_for_final: true
  - use: {llm}
  - use: clauses
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""
GIVEN = "{use: 'tests.room.parts:GivenLlm', answers: [We have tea.]}"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()
    GivenLlm.contexts.clear()


def read(ledger: Path) -> tuple[list[Turn], SessionEnd]:
    """The turns of a session, and its last line."""
    lines = [Line.read(line) for line in ledger.read_text().splitlines()]
    (end,) = (line for line in lines if isinstance(line, SessionEnd))
    return [line for line in lines if isinstance(line, Turn)], end


async def test_a_prepared_reply_is_made_by_the_next_llm_where_the_first_refuses(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    refusing = OpenAI(lambda _: Answer(status=Status.NO_KEY))
    async with refusing.open() as url:
        llms = f"[{{use: openai_llm, model: m, base_url: '{url}'}}, {GIVEN}]"
        pipeline = PIPELINE.format(means="what about tea", llm=llms)
        room = await open_room(pipeline, settings=(f"ledger.path={ledger}",))
        async with Caller(room.url) as caller:
            caller.say(spoken("What about tea?"), after_s=0.3)
            await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        await room.close()
    (turn,), end = read(ledger)
    assert [each.outcome for each in turn.predictions] == [Outcome.CONFIRMED]
    assert turn.heard_text == "We have tea."
    assert len(refusing.requests) == len(GivenLlm.contexts) == 1
    (told,) = end.fail_overs
    assert (told.failed, told.took_over) == ("openai_llm", "tests.room.parts:GivenLlm")
    assert told.cause is Cause.REFUSED


async def test_a_prepared_reply_that_is_dropped_is_not_written_on_at_the_server(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    server = OpenAI(
        lambda request: Answer("Fine. " if "milk" in request.said[-1] else "Well, " * 200),
        lambda request: Writing(whole_ms=20 if "milk" in request.said[-1] else 20_000),
    )
    async with server.open() as url:
        llm = f"openai_llm\n    model: m\n    base_url: {url}"
        pipeline = PIPELINE.format(means="what about milk", llm=llm)
        room = await open_room(pipeline, settings=(f"ledger.path={ledger}",))
        async with Caller(room.url) as caller:
            caller.say(spoken("What about tea?"), after_s=0.3)
            await caller.until(lambda: caller.floors()[-2:] == ["speaking", "idle"])
        await room.close()
    dropped, said = server.requests
    assert dropped.cancelled
    assert dropped.tokens < 50
    assert said.said == ["what about milk"]
    (turn,), _ = read(ledger)
    assert turn.heard_text == "Fine."
