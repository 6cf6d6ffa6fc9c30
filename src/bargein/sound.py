"""Where sound begins, and where that of a word ends: the pause behind it is not the word."""

from __future__ import annotations

import numpy as np

BLOCK_MS = 10
SILENCE_BELOW_PEAK_DB = 40
"""A block this far below the loudest one of the word is silence."""
AUDIBLE_AMPLITUDE = 104
"""-50 dBFS as PCM16: a softer sample is lost in the noise of a quiet room."""


def first_sound(pcm: bytes) -> int | None:
    """Give the first sample in PCM16 that can be heard; None if it is all silence."""
    samples = np.frombuffer(pcm, dtype="<i2")
    loud = (samples >= AUDIBLE_AMPLITUDE) | (samples <= -AUDIBLE_AMPLITUDE)
    at = int(loud.argmax()) if len(samples) else 0
    return at if len(samples) and loud[at] else None


def sound_end(pcm: bytes, rate_hz: int) -> int:
    """Give the sample at which the sound in PCM16 dies away, in whole 10 ms blocks.

    Without any sound it is the full length.
    """
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    block = rate_hz * BLOCK_MS // 1000
    blocks = len(samples) // block
    if blocks < 2:
        return len(samples)
    energy = np.square(samples[: blocks * block]).reshape(blocks, block).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-SILENCE_BELOW_PEAK_DB / 10))
    if not len(loud):
        return len(samples)
    end = int(loud[-1]) + 1
    return len(samples) if end == blocks else end * block
