"""Audio in which each sample tells which one it is, so that a tape can be read back exactly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
RAMP_SAMPLES = 32_000
"""Indices are told modulo this."""
FULL_SCALE = 32_768
DUCKED_GAIN = 0.1


def ramp(utterance: int, start: int, count: int) -> npt.NDArray[np.int16]:
    """PCM16 of a stretch; odd utterances are positive, even ones negative, none is ever zero."""
    index = (np.arange(start, start + count) % RAMP_SAMPLES + 1).astype(np.int16)
    return index if utterance % 2 else -index


@dataclass(frozen=True)
class Stretch:
    """A stretch of the tape in which a ramp went on without a break."""

    odd: bool
    """The utterance's number is odd."""
    start: int
    """Index of its first sample within the utterance, modulo 32,000."""
    samples: int
    at: int
    """Where on the tape it begins."""
    gain: float

    @property
    def next(self) -> int:
        """Index, modulo 32,000, of the sample that must follow."""
        return (self.start + self.samples) % RAMP_SAMPLES


def stretches(tape: Samples) -> list[Stretch]:
    """What is on the tape; silence is left out."""
    pcm = np.asarray(tape, dtype=np.float64) * FULL_SCALE
    size = np.abs(pcm)
    steps = np.diff(size)
    wraps = np.isclose(size[:-1], RAMP_SAMPLES) & np.isclose(size[1:], 1)
    turns = np.sign(pcm[1:]) != np.sign(pcm[:-1])
    goes_on = np.isclose(steps, 1) | np.isclose(steps, DUCKED_GAIN, atol=0.01) | wraps
    breaks = np.flatnonzero(~goes_on | turns) + 1
    found = []
    for first, end in pairwise([0, *breaks.tolist(), len(pcm)]):
        if end > first and size[first] > 0:
            ducked = end - first > 1 and steps[first] < 0.5
            gain = DUCKED_GAIN if ducked else 1.0
            index = round(size[first] / gain) - 1
            found.append(Stretch(bool(pcm[first] > 0), index, end - first, first, gain))
    return found
