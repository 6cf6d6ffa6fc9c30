"""Audio in which each sample tells which one it is, so that a tape can be read back exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
RAMP_SAMPLES = 32_000
"""Indices are told modulo this."""
FULL_SCALE = 32_768
QUANTUM_SAMPLES = 128
OPEN_GAIN, HINTED_GAIN, DUCKED_GAIN, MUTED_GAIN = GAINS = (1.0, 0.25, 0.1, 0.0)
MOSTLY = 0.9
"""A quantum may hold the end of one utterance and the begin of the next."""
CLOSE = 0.02
"""So far may a sample be off its index: the tape's numbers have 24 bits."""


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

    @property
    def end(self) -> int:
        """Where on the tape it is over."""
        return self.at + self.samples


def stretches(tape: Samples) -> list[Stretch]:
    """What is on the tape; silence is left out, and so is what dies away without being played."""
    pcm, gains = level(np.asarray(tape, dtype=np.float64) * FULL_SCALE)
    size = np.abs(pcm)
    wraps = np.isclose(size[:-1], RAMP_SAMPLES) & np.isclose(size[1:], 1)
    turns = np.sign(pcm[1:]) != np.sign(pcm[:-1])
    goes_on = np.isclose(np.diff(size), 1, atol=CLOSE) | wraps
    breaks = np.flatnonzero(~goes_on | turns | (np.diff(gains) != 0)) + 1
    found = []
    for first, end in pairwise([0, *breaks.tolist(), len(pcm)]):
        if end > first and size[first] > 0:
            index = round(size[first]) - 1
            found.append(Stretch(bool(pcm[first] > 0), index, end - first, first, gains[first]))
    return found


def runs(tape: Samples) -> list[Stretch]:
    """The stretches, joined where only the gain has changed."""
    joined: list[Stretch] = []
    for each in stretches(tape):
        last = joined[-1] if joined else None
        if last and last.end == each.at and last.next == each.start:
            joined[-1] = replace(last, samples=last.samples + each.samples)
        else:
            joined.append(each)
    return joined


def whole(found: Sequence[Stretch]) -> tuple[int, int]:
    """The first index and the samples of runs that make one utterance, however often it starved.

    Each must go on with the very sample that follows the run before it.
    """
    for before, after in pairwise(found):
        assert (after.odd, after.start) == (before.odd, before.next), (before, after)
    return found[0].start, sum(each.samples for each in found)


def level(pcm: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The tape as if nothing were ducked or faded, and to which gain each quantum leads."""
    flat, gains = pcm.copy(), np.ones(len(pcm))
    before = OPEN_GAIN
    for first in range(0, len(pcm), QUANTUM_SAMPLES):
        quantum = slice(first, first + QUANTUM_SAMPLES)
        if not pcm[quantum].any():
            continue
        before, after = fade(pcm[quantum])
        line = before + (after - before) * np.arange(1, len(pcm[quantum]) + 1) / QUANTUM_SAMPLES
        flat[quantum] = pcm[quantum] / np.where(line > 0, line, 1) if after > 0 else 0
        gains[quantum] = after if after > 0 else gains[first - 1]
    return flat, gains


def fade(quantum: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The gains between which a quantum was led: those that make its samples count up by one."""
    place = np.arange(1, len(quantum) + 1) / QUANTUM_SAMPLES
    sounding = quantum != 0
    for before, after in sorted(product(GAINS, GAINS), key=lambda pair: pair[0] != pair[1]):
        line = before + (after - before) * place
        if not (line[sounding] > 0).all():
            continue
        steps = np.diff(np.abs(quantum[sounding] / line[sounding]))
        if len(steps) and np.isclose(steps, 1, atol=CLOSE).mean() > MOSTLY:
            return before, after
    return OPEN_GAIN, OPEN_GAIN
