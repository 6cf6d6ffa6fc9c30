"""A reply in clauses, spoken by Pipecat's own class for ElevenLabs against the server here."""

from __future__ import annotations

import pytest
from bench.turn_taking.parts import TimedFlash
from pipecat.frames.frames import (
    AggregatedTextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline

from bargein.processors.clauses import ClauseAggregator
from bargein.processors.played_audio import START_SAMPLE
from tests.vendors.elevenlabs import CHAR_MS, ElevenLabs
from tests.vendors.latency import Synthesis
from tests.vendors.test_services import running
from tests.vendors.voice import RATE_HZ

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

REPLY = "Order number 7, which you asked for, is here. Is there more?"


@pytest.mark.parametrize("space_behind", [False, True])
async def test_word_times_are_exact_across_clauses_in_one_context(space_behind: bool) -> None:
    server = ElevenLabs(lambda _: Synthesis(whole_ms=80))
    async with server.open() as url:
        voice = TimedFlash(url=url)
        parts = Pipeline([ClauseAggregator(bridge_ms=10_000), voice])
        async with running(parts) as (send, tap):
            await send(LLMFullResponseStartFrame())
            for token in REPLY.split(" "):
                await send(LLMTextFrame(f"{token} " if space_behind else f" {token}"))
            await send(LLMFullResponseEndFrame())
            await tap.until(lambda: bool(tap.all(TTSStoppedFrame)))
    (context,) = server.contexts
    assert [text.strip() for text in context.texts] == [
        "Order number 7,",
        "which you asked for,",
        "is here.",
        "Is there more?",
    ]
    words = tap.all(TTSTextFrame)
    assert " ".join(word.text for word in words) == REPLY
    per_char = RATE_HZ * CHAR_MS // 1000
    # Pipecat takes the last word for unfinished until a space comes, so it has no time.
    samples = [int(word.metadata[START_SAMPLE]) for word in words[:-1]]
    starts = [len(" ".join(REPLY.split()[:n])) + (n > 0) for n in range(len(words) - 1)]
    assert samples == [start * per_char for start in starts]
    assert len(tap.all(AggregatedTextFrame)) >= len(context.texts)
