"""A microphone in audio time: hiss, and what is said into it."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from bargein.measure.playback import Samples

RATE_HZ = 16_000
HISS = 3
"""The microphone's own noise, as PCM16."""


class Mouth:
    """Gives chunk after chunk; the same seed hisses alike."""

    def __init__(self, seed: int = 7) -> None:
        """Begin with silence."""
        self.samples = 0
        """So many were given."""
        self._sounding = np.zeros(0, dtype=np.int16)
        self._hiss = np.random.default_rng(seed)

    def say(self, sound: Samples, lead_samples: int = 0) -> int:
        """Begin a sound so far behind the next chunk's begin; give its first sample's number."""
        self._sounding = np.concatenate([np.zeros(lead_samples, dtype=np.int16), sound])
        return self.samples + lead_samples

    def chunk(self, samples: int) -> bytes:
        """Give the next samples, PCM16."""
        taken, self._sounding = np.split(self._sounding, [samples])
        heard = self._hiss.integers(-HISS, HISS + 1, samples).astype(np.int16)
        heard[: len(taken)] += taken
        self.samples += samples
        return heard.astype("<i2").tobytes()


def read_wav(file: str | Path) -> Samples:
    """Read a WAV file of 16 bits, mono, 16 kHz, such as a bench writes."""
    with wave.open(str(file), "rb") as opened:
        return np.frombuffer(opened.readframes(opened.getnframes()), dtype="<i2").astype(np.int16)


def write_wav(file: str | Path, sound: Samples) -> None:
    """Write what `read_wav` reads."""
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(RATE_HZ)
        opened.writeframes(sound.astype("<i2").tobytes())
