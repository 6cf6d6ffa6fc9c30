"""Smart turn, a model that hears whether somebody has finished; one for all bots of a process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bargein.protocol import MICROPHONE_RATE_HZ

HEARD_S = 8
"""So much audio the model takes; what is longer loses its beginning."""
BEFORE_S = 0.5
"""It was trained on speech with so much silence before it, and nothing before that."""
THREADS = 2
"""Of the whole process; a run takes 40 ms of one core, and a pause has at most four."""
SAMPLE_BYTES = 2
FULL_SCALE = 32_768


class TurnAnalyzer(Protocol):
    """Hears by its sound whether a turn is over."""

    async def probability(self, pcm: bytes) -> float:
        """How likely the speech is finished, 0 to 1; `pcm` is 16 bit mono at 16 kHz."""


class SmartTurn:
    """Asks the model in a thread, so that nobody waits for it. Any number of bots may ask."""

    def __init__(self) -> None:
        """Load the model, if nobody has yet; that takes 70 ms."""
        self._model = _model()

    async def probability(self, pcm: bytes) -> float:
        """How likely the speech is finished; who is cancelled while it runs harms nobody."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads(), self.answer, pcm)

    def answer(self, pcm: bytes) -> float:
        """The same, while the caller waits: for a bench."""
        heard = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        heard /= FULL_SCALE
        return float(self._model(heard)["probability"])


class _Predicts(Protocol):
    def __call__(self, audio_array: NDArray[np.float32]) -> dict[str, Any]:
        """What Pipecat's analyzer makes of 8 s or less, at its rate."""


@cache
def _model() -> _Predicts:
    from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

    analyzer = LocalSmartTurnAnalyzerV3()
    analyzer.set_sample_rate(MICROPHONE_RATE_HZ)
    # It keeps nothing from one call to the next, so all bots may call it at the same time.
    predict: _Predicts = analyzer._predict_endpoint
    return predict


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="smart_turn")


class TurnAudio:
    """The sound of the turn so far, at most as much as the model takes."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._pcm = bytearray()

    def add(self, pcm: bytes) -> None:
        """Take the microphone's audio, 16 bit mono at 16 kHz."""
        self._pcm += pcm
        if len(self._pcm) > 2 * _size(HEARD_S):
            # Seldom, for it moves all of it.
            self._keep(HEARD_S)

    def begins(self, ago_s: float) -> None:
        """The turn's first speech began so long ago; what was long before it is not of the turn."""
        self._keep(ago_s + BEFORE_S)

    def heard(self) -> bytes:
        """What the model is asked about."""
        return bytes(self._pcm[-_size(HEARD_S) :])

    def _keep(self, seconds: float) -> None:
        del self._pcm[: max(0, len(self._pcm) - _size(seconds))]


def _size(seconds: float) -> int:
    return int(seconds * MICROPHONE_RATE_HZ) * SAMPLE_BYTES
