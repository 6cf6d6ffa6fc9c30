"""Where the sound of a word ends, so that the pause behind it does not count as the word."""

from __future__ import annotations

import numpy as np

BLOCK_MS = 10
SILENCE_BELOW_PEAK_DB = 40
"""A block this far below the loudest one of the word is silence."""


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
