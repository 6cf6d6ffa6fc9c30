"""The room around the user: what the microphone hears of voice, loudspeaker and noise.

Everything is counted in samples of the microphone, from the moment the client connected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bargein.rehearsal.levels import RATE_HZ, Sound, gain

HISS = 2 / 32_768
"""A microphone is never quite silent: the VAD would hear exact zeros as something else."""
SINC_TAPS = 32
"""Of the resampler, on each side of a sample."""


@dataclass(slots=True)
class _Playing:
    start: int
    sound: Sound


class Microphone:
    """Mixes what was begun, the echo and the noise, one block after another."""

    def __init__(self, *, noise: Sound | None, seed: int) -> None:
        """`noise` is repeated without end."""
        self.samples = 0
        """How many samples it has given."""
        self._noise = noise
        self._hiss = np.random.default_rng(seed)
        self._playing: list[_Playing] = []

    def begin(self, sound: Sound) -> int:
        """A sound begins with the next sample; gives the sample after its last."""
        self._playing.append(_Playing(self.samples, sound))
        return self.samples + len(sound)

    def hear(self, count: int, echo: Sound | None) -> Sound:
        """Give the next samples."""
        mixed = self._hiss.uniform(-HISS, HISS, count).astype(np.float32)
        for each in self._playing:
            part = each.sound[self.samples - each.start :][:count]
            mixed[: len(part)] += part
        self._playing = [
            each for each in self._playing if self.samples + count < each.start + len(each.sound)
        ]
        if self._noise is not None and len(self._noise):
            mixed += np.take(self._noise, range(self.samples, self.samples + count), mode="wrap")
        if echo is not None:
            mixed += echo
        self.samples += count
        return mixed


class EchoPath:
    """From the loudspeaker to the microphone: later, softer, and at the microphone's rate."""

    def __init__(self, *, gain_db: float, delay_ms: float, rate_hz: int) -> None:
        """`rate_hz` is the loudspeaker's; `delay_ms` must cover half of the resampler's reach."""
        self._step = rate_hz / RATE_HZ
        self._gain = gain(gain_db)
        self._delay = delay_ms * rate_hz / 1000
        self._cutoff = min(1.0, RATE_HZ / rate_hz)
        self._ear = np.zeros(SINC_TAPS * 2 + int(self._delay) + 1, dtype=np.float32)
        self._first = -len(self._ear)
        """Index of the ear's oldest kept sample."""
        self._given = 0

    def play(self, sound: Sound) -> None:
        """The loudspeaker played these samples."""
        self._ear = np.concatenate([self._ear, sound])

    def hear(self, count: int) -> Sound:
        """Give the next samples of what the microphone hears of it."""
        at = (self._given + np.arange(count)) * self._step - self._delay
        self._given += count
        nearest = np.floor(at).astype(np.int64)
        taps = nearest[:, np.newaxis] + np.arange(1 - SINC_TAPS, SINC_TAPS + 1)
        away = taps - at[:, np.newaxis]
        window = 0.5 + 0.5 * np.cos(np.pi * away / (SINC_TAPS + 1))
        kernel = self._cutoff * np.sinc(self._cutoff * away) * window
        places = np.clip(taps - self._first, 0, len(self._ear) - 1)
        heard: Sound = ((self._ear[places] * kernel).sum(axis=1) * self._gain).astype(np.float32)
        self._forget(int(nearest[0]) - SINC_TAPS)
        return heard

    def _forget(self, before: int) -> None:
        surplus = before - self._first
        if surplus > 0:
            self._ear, self._first = self._ear[surplus:], before
