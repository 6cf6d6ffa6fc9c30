"""Rooms to listen in, made of noise and of recorded speech: what `bench/noise.py` measures with.

All are synthesized, with a seed; levels are in dBFS, audio is float32 at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Noise = Callable[[int], Floats]
"""Makes so many samples of it."""
RATE_HZ = 16_000
ACTIVE_DB = 30.0
"""A stretch of speech counts towards its level within so much of its loudest moment."""
HOP_SAMPLES = 320


def at_db(audio: Floats, db: float) -> Floats:
    """Noise at a level."""
    louder: Floats = audio * (10 ** (db / 20) / np.sqrt(np.mean(audio**2)))
    return louder


def spoken_at_db(audio: Floats, db: float) -> Floats:
    """Speech at a level, which its pauses do not lower."""
    blocks = audio[: len(audio) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    power = (blocks**2).mean(axis=1)
    active = power[power > power.max() * 10 ** (-ACTIVE_DB / 10)].mean()
    louder: Floats = audio * (10 ** (db / 20) / np.sqrt(active))
    return louder


class Rooms:
    """Makes noises of any length; the talkers in them are drawn from recordings."""

    def __init__(self, speech: Sequence[Floats], seed: int = 3) -> None:
        """Begin with a seed."""
        self._speech = speech
        self._random = np.random.default_rng(seed)

    @property
    def kinds(self) -> dict[str, Noise]:
        """All of them by name; each takes a number of samples."""
        return {
            "street": self.street,
            "fan": self.fan,
            "hum": self.hum,
            "8 voices": lambda samples: self.voices(samples, 8),
            "4 voices": lambda samples: self.voices(samples, 4),
            "1 voice": lambda samples: self.voices(samples, 1),
        }

    def _coloured(self, samples: int, slope: float) -> Floats:
        """Noise whose power falls with frequency to this exponent, nothing below 60 Hz."""
        spectrum = np.fft.rfft(self._random.normal(size=samples))
        bins = np.maximum(1, np.arange(len(spectrum)))
        spectrum *= bins ** (-slope / 2)
        spectrum[: 60 * samples // RATE_HZ] = 0
        noise: Floats = np.fft.irfft(spectrum, samples)
        return noise

    def street(self, samples: int) -> Floats:
        """A rumble, something that passes every 4 s, a horn every 8 s."""
        seconds = np.arange(samples) / RATE_HZ
        loudness = np.ones(samples)
        for at in np.arange(2, samples / RATE_HZ, 4):
            middle, width = at + self._random.uniform(-1.5, 1.5), self._random.uniform(0.3, 1.2)
            loudness += self._random.uniform(2, 6) * np.exp(-(((seconds - middle) / width) ** 2))
        audio = at_db(self._coloured(samples, 1.4), 0) * loudness
        for at in self._random.uniform(0, samples, samples // RATE_HZ // 8).astype(int):
            horn = seconds[: int(self._random.uniform(0.2, 0.6) * RATE_HZ)][: samples - at]
            phase = horn * self._random.uniform(350, 480) % 1
            audio[at : at + len(horn)] += 3 * (2 * phase - 1)
        return audio

    def fan(self, samples: int) -> Floats:
        """Pink noise and the tone of the blades."""
        tone = np.sin(2 * np.pi * 118 * np.arange(samples) / RATE_HZ)
        return at_db(self._coloured(samples, 1.0), 0) + 0.3 * tone

    def hum(self, samples: int) -> Floats:
        """The mains."""
        turns = 2 * np.pi * 50 * np.arange(samples) / RATE_HZ
        overtones: list[Floats] = [np.sin(turns * n) / n for n in (1, 2, 3, 5, 7)]
        summed: Floats = np.sum(overtones, axis=0)
        return summed

    def voices(self, samples: int, count: int) -> Floats:
        """So many people who talk at once, all the time."""
        crowd = np.zeros(samples)
        for _ in range(count):
            said: list[Floats] = []
            while sum(map(len, said)) < 2 * samples:
                chosen = self._speech[int(self._random.integers(len(self._speech)))]
                said.append(spoken_at_db(chosen, -26))
            first = self._random.integers(samples)
            crowd += np.concatenate(said)[first : first + samples]
        return crowd

    def whispered(self, speech: Floats) -> Floats:
        """The same words without voice: noise through the vocal tract of each moment."""
        order, size = 16, 2 * HOP_SAMPLES
        window, out = np.hanning(size), np.zeros(len(speech) + size)
        for at in range(0, len(speech) - size, HOP_SAMPLES):
            moment = speech[at : at + size] * window
            lags = np.correlate(moment, moment, "full")[size - 1 : size + order]
            if lags[0] < 1e-9:  # digital silence
                continue
            grid = lags[np.abs(np.subtract.outer(np.arange(order), np.arange(order)))]
            tract = np.linalg.solve(grid + np.eye(order) * lags[0] * 1e-3, lags[1:])
            power = max(1e-12, lags[0] - tract @ lags[1:])
            breath = self._random.normal(size=size) * np.sqrt(power / (window**2).sum())
            response = 1 / np.fft.rfft(np.concatenate([[1], -tract]), 2 * size)
            shaped = np.fft.irfft(np.fft.rfft(breath, 2 * size) * response)[:size]
            out[at : at + size] += shaped * window
        # Whispers lack the low end: half a bow of a first difference.
        return np.diff(out[: len(speech)], prepend=0)
