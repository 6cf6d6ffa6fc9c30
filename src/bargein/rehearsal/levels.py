"""Sound as numbers from -1 to 1, and how loud it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

RATE_HZ = 16_000
"""Of all sound on the user's side of the loudspeaker: the microphone's."""
FULL_SCALE = 32_768
SPEECH_DB = -22.0
"""RMS of the user's speech where it is loud, dBFS: a headset at arm's length."""
FRAME_MS = 20
ACTIVE_DB = -20.0
"""A frame within this much of the loudest one counts as active."""
LIMIT = 0.98
SILENCE_DB = -200.0


def db(ratio: float) -> float:
    """Amplitude as decibels."""
    return float(20 * np.log10(ratio)) if ratio > 0 else SILENCE_DB


def gain(decibels: float) -> float:
    """Decibels as amplitude."""
    return float(10 ** (decibels / 20))


def active_db(sound: Sound) -> float:
    """RMS of the frames in which there is something, dBFS; pauses do not count."""
    size = RATE_HZ * FRAME_MS // 1000
    count = len(sound) // size
    if count == 0:
        return db(float(np.sqrt(np.mean(np.square(sound))))) if len(sound) else SILENCE_DB
    power = np.square(sound[: count * size].reshape(count, size)).mean(axis=1)
    loud = power[power >= power.max() * gain(ACTIVE_DB) ** 2]
    return db(float(np.sqrt(loud.mean())))


def at_level(sound: Sound, decibels: float) -> Sound:
    """Bring its active level to this; peaks that would not fit make it softer."""
    if not np.any(sound):
        return sound
    factor = gain(decibels - active_db(sound))
    peak = float(np.abs(sound).max()) * factor
    return sound * np.float32(factor * min(1.0, LIMIT / peak))


def trimmed(sound: Sound) -> Sound:
    """Cut off the silence at both ends, so that its first sample is its onset."""
    if not np.any(sound):
        return sound
    there = np.flatnonzero(np.abs(sound) >= np.abs(sound).max() * gain(2 * ACTIVE_DB))
    return sound[there[0] : there[-1] + 1]


def from_pcm(pcm: bytes) -> Sound:
    """Read PCM16."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(FULL_SCALE)


def to_pcm(sound: Sound) -> bytes:
    """Write PCM16; what is too loud is clipped, as a microphone does."""
    clipped = np.clip(np.rint(sound * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return clipped.astype("<i2").tobytes()
