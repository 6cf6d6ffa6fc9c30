"""What a test lets the microphone hear."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .ramp import Samples


@dataclass(frozen=True)
class Recording:
    """Mono audio at full scale 1."""

    samples: Samples
    rate_hz: int

    def after(self, silence_s: float) -> Recording:
        """The same, with silence before it."""
        silence = np.zeros(round(silence_s * self.rate_hz), np.float32)
        return Recording(np.concatenate([silence, self.samples]), self.rate_hz)

    def at(self, rate_hz: int) -> Recording:
        """The same at another rate, by plain interpolation: good enough to be speech."""
        count = len(self.samples) * rate_hz // self.rate_hz
        where = np.arange(count) * self.rate_hz / rate_hz
        samples = np.interp(where, np.arange(len(self.samples)), self.samples)
        return Recording(samples.astype(np.float32), rate_hz)

    def write(self, path: Path) -> Path:
        """Write it as a WAV file of PCM16."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate_hz)
            file.writeframes((np.clip(self.samples, -1, 1) * 32_767).astype("<i2").tobytes())
        return path
