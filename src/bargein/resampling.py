"""Changes the rate of a stream of samples, and keeps back no more than half a millisecond.

A windowed sinc for each phase between two samples (polyphase interpolation, see J. O. Smith,
"Digital Audio Resampling"). Libraries for whole files keep back 20 to 40 ms of a stream, which
is too much between a microphone and a mute.
"""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CROSSINGS = 8
"""Zero crossings of the sinc on either side, counted at the lower of both rates."""
KAISER_BETA = 7.0
"""Side lobes below -70 dB."""
PASSED = 0.92
"""Of the lower rate's band: above it the filter falls off."""


class Resampler:
    """One stream of mono float samples; what comes out is late by `delay_ms`."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Begin in silence."""
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        # How far the sinc reaches on either side, in samples that come in.
        self._reach = ceil(CROSSINGS * max(1.0, from_hz / to_hz))
        self._filters = _filters(self._up, self._reach, min(1.0, to_hz / from_hz) * PASSED)
        self._held = np.zeros(2 * self._reach - 1, dtype=np.float32)
        self._next = 0
        """Where the next sample to give lies behind `_held`'s first one, in 1/up of a sample."""
        self.delay_ms = self._reach * 1000 / from_hz

    def convert(self, samples: Samples) -> Samples:
        """Take samples, give as many as they make at the other rate, to within one."""
        held = np.concatenate((self._held, samples))
        # Each one that is given takes 2 * reach samples from where it lies.
        room = (len(held) - 2 * self._reach + 1) * self._up
        at = np.arange(self._next, room, self._down)
        firsts, phases = at // self._up, at % self._up
        windows = np.lib.stride_tricks.sliding_window_view(held, 2 * self._reach)
        given = np.einsum("ij,ij->i", windows[firsts], self._filters[phases])
        self._next += len(at) * self._down
        passed = min(self._next // self._up, len(held) - 2 * self._reach + 1)
        self._next -= passed * self._up
        self._held = held[passed:]
        made: Samples = given.astype(np.float32)
        return made


def _filters(phases: int, reach: int, cutoff: float) -> Samples:
    """Give a row of 2 * reach weights for each phase; each row sums to 1."""
    offsets = np.arange(2 * reach) - (reach - 1) - np.arange(phases)[:, None] / phases
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (offsets / reach) ** 2)))
    rows = np.sinc(offsets * cutoff) * window
    even: Samples = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
    return even
