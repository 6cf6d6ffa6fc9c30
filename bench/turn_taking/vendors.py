"""The vendors of one conversation, each with counters of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

from bench.turn_taking.material import SpokenTurn
from bench.turn_taking.script import reply
from tests.vendors.anthropic import Anthropic
from tests.vendors.deepgram import Deepgram
from tests.vendors.elevenlabs import ElevenLabs
from tests.vendors.flux import Flux
from tests.vendors.latency import Recognition, Synthesis, Writing


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long the services take."""

    recognition: Recognition = field(default_factory=Recognition)
    writing: Writing = field(default_factory=Writing)
    synthesis: Synthesis = field(default_factory=Synthesis)


@dataclass(frozen=True, slots=True)
class Vendors:
    """Servers that are open, and where."""

    stt: Deepgram
    flux: Flux
    llm: Anthropic
    tts: ElevenLabs
    stt_url: str
    flux_url: str
    llm_url: str
    tts_url: str


@asynccontextmanager
async def vendors(turns: Sequence[SpokenTurn], latencies: Latencies) -> AsyncIterator[Vendors]:
    """Open the servers for a conversation of these turns."""
    stt = Deepgram([turn.heard for turn in turns], lambda _: latencies.recognition)
    flux = Flux([turn.heard for turn in turns], _over, lambda _: latencies.recognition)
    llm = Anthropic(reply, lambda _: latencies.writing)
    tts = ElevenLabs(lambda _: latencies.synthesis)
    async with AsyncExitStack() as opened:
        urls = [await opened.enter_async_context(each.open()) for each in (stt, flux, llm, tts)]
        yield Vendors(stt, flux, llm, tts, *urls)


@cache
def _smart_turn() -> Any:
    return LocalSmartTurnAnalyzerV3()


def _over(sound: NDArray[np.float32]) -> float:
    """How sure the model is that a turn is over: the one that all others here ask, too."""
    # Its public face counts silence by itself, and gives no probability while it waits.
    return float(_smart_turn()._predict_endpoint(sound)["probability"])
