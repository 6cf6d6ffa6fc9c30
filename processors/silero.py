"""Silero VAD v6: one model for all bots of a process, the memory of it in each talker.

What runs the model is chosen in `silero_engines.py`. Where many talk at once, their windows are
scored in one call, at a fifth of the cost of each alone.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from bargein.processors.silero_engines import Engine, Model, model
from bargein.protocol import WINDOW_SAMPLES
from bargein.silero_model import forgotten

WINDOW_BYTES = 2 * WINDOW_SAMPLES
GATHER_S = 0.002
"""So long a window waits for those of others; one who talks alone never waits."""


class Silero:
    """One talker's VAD: windows of 512 samples at 16 kHz in, probabilities of speech out."""

    def __init__(self, engine: Engine = Engine.NUMPY) -> None:
        """Begin with silence behind it; a PartError where the engine is not installed."""
        self.model = model(engine)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self.memory = forgotten()

    def probability(self, window: bytes) -> float:
        """Score one window of PCM16 at once; takes about 0.1 ms in numpy."""
        _check(window)
        probabilities, memories = self.model.score(window, self.memory[np.newaxis])
        self.memory = memories[0]
        return float(probabilities[0])

    async def soon(self, window: bytes) -> float:
        """Score one window of PCM16 together with those of others.

        It takes at most `GATHER_S` and the turn of the event loop then under way; who talks
        alone in a loop does not wait at all. The order of a talker's windows is kept.
        """
        _check(window)
        return await _gathering(self.model).score(self, window)

    def close(self) -> None:
        """Nothing more will be heard: those who remain need not wait for it."""
        _gathering(self.model).forget(self)


class Gathering:
    """The windows of one event loop that wait to be scored in one call of a model."""

    def __init__(self, model: Model) -> None:
        """Begin without talkers."""
        self._model = model
        self._talkers: WeakSet[Silero] = WeakSet()
        self._waiting: dict[Silero, tuple[bytes, asyncio.Future[float]]] = {}

    async def score(self, talker: Silero, window: bytes) -> float:
        """Score a window soon, or at once if nobody else talks in this loop."""
        self._talkers.add(talker)
        if len(self._talkers) == 1 and not self._waiting:
            return talker.probability(window)
        if talker in self._waiting:
            self._score_all()
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(GATHER_S, self._score_all)
        scored: asyncio.Future[float] = loop.create_future()
        self._waiting[talker] = window, scored
        return await scored

    def forget(self, talker: Silero) -> None:
        """Do not wait for this talker any more."""
        self._talkers.discard(talker)

    def _score_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            probabilities = self._scored(waiting)
        except Exception as error:
            # Whoever waits gets it, or would wait for ever.
            for _, scored in waiting.values():
                if not scored.done():
                    scored.set_exception(error)
            return
        for probability, (_, scored) in zip(probabilities, waiting.values(), strict=True):
            if not scored.done():
                scored.set_result(probability)

    def _scored(self, waiting: dict[Silero, tuple[bytes, asyncio.Future[float]]]) -> list[float]:
        pcm = b"".join(window for window, _ in waiting.values())
        memory = np.stack([talker.memory for talker in waiting])
        probabilities, memories = self._model.score(pcm, memory)
        for talker, its_memory in zip(waiting, memories, strict=True):
            talker.memory = its_memory
        told: list[float] = probabilities.tolist()
        return told


_GATHERINGS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Model, Gathering]] = (
    WeakKeyDictionary()
)


def _gathering(model: Model) -> Gathering:
    of_loop = _GATHERINGS.setdefault(asyncio.get_running_loop(), {})
    if model not in of_loop:
        of_loop[model] = Gathering(model)
    return of_loop[model]


def _check(window: bytes) -> None:
    if len(window) != WINDOW_BYTES:
        raise ValueError(f"a window has {WINDOW_SAMPLES} samples, got {len(window) / 2:g}")
