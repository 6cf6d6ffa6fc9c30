"""What `ElevenLabsTTS` mends in pipecat, and where: tells us when pipecat has."""

from __future__ import annotations

import json

import pytest
from bench.turn_taking.parts import Flash, TimedFlash

GONE = json.dumps(
    {
        "contextId": "interrupted",
        "alignment": {"chars": ["a"], "charStartTimesMs": [0], "charDurationsMs": [700]},
    }
)


class Socket:
    """Gives what still comes of a context that was interrupted."""

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield GONE


@pytest.mark.parametrize(("kind", "clock_s"), [(Flash, 0.7), (TimedFlash, 0.0)])
async def test_pipecat_still_counts_words_of_interrupted_contexts_into_the_next(
    kind: type[Flash] | type[TimedFlash], clock_s: float
) -> None:
    """When the first fails, take `OwnContexts` out of processors/elevenlabs_tts.py."""
    voice = kind(url="ws://127.0.0.1:1")
    voice._websocket = Socket()
    await voice._receive_messages()
    assert voice._cumulative_time == clock_s
