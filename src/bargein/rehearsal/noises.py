"""Noises made of numbers: each is the same for the same seed.

They are caricatures, not recordings: right in length, attack and spectrum, so that a VAD takes
them for what they stand for. `murmur` and `babble` are made of voices, see `voices.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bargein.rehearsal.levels import RATE_HZ, Sound

Generator = np.random.Generator
Values = NDArray[np.float64]

COUGH_MS, CLICK_MS, DOOR_MS = 300, 30, 700
FORMANTS_HZ = ((700, 130), (1200, 150), (2600, 250))
"""Frequency and bandwidth of a mouth that is open in a cough."""
COUGH_PITCH_HZ = 200


def make(kind: str, for_ms: float | None, seed: int) -> Sound:
    """Give a noise of this kind at no particular level; ValueError for an unknown one."""
    if kind in SHORT:
        return SHORT[kind](np.random.default_rng(seed))
    if kind not in LONG:
        raise ValueError(f"no noise is called {kind!r}")
    samples = round((for_ms or LONG_MS) * RATE_HZ / 1000)
    return LONG[kind](np.random.default_rng(seed), samples)


LONG_MS = 3000
"""Of a noise that has no length by itself, where none is given."""


def _cough(rng: Generator) -> Sound:
    """A burst of breath, then a short voiced tail, through an open mouth."""
    t = _times(COUGH_MS)
    breath = rng.standard_normal(len(t)) * np.exp(-t / 0.03) * (1 - np.exp(-t / 0.002))
    after = 0.3 * rng.standard_normal(len(t)) * np.exp(-(((t - 0.12) / 0.05) ** 2))
    since = t - 0.06
    phase = np.cumsum(COUGH_PITCH_HZ * (1 - 0.3 * np.clip(since / 0.1, 0, 1))) / RATE_HZ
    pulses = 8.0 * ((phase % 1) < 1.5 * COUGH_PITCH_HZ / RATE_HZ)
    voiced = pulses * (since > 0) * np.exp(-np.clip(since, 0, 1) / 0.08) * (since < 0.16)
    source = breath + after + 0.6 * voiced
    weights = (1.0, 0.8, 0.4)
    mouth = [w * _resonate(source, *f) for w, f in zip(weights, FORMANTS_HZ, strict=True)]
    return _sound(np.sum(mouth, axis=0) + 0.1 * source)


def _click(rng: Generator) -> Sound:
    """A key or a switch: a few milliseconds of hard noise."""
    t = _times(CLICK_MS)
    return _sound(rng.standard_normal(len(t)) * np.exp(-t / 0.003))


def _door(rng: Generator) -> Sound:
    """A dull thud with the room behind it, and a latch."""
    t = _times(DOOR_MS)
    thud = np.sin(2 * np.pi * 80 * t) * np.exp(-t / 0.09)
    room = _band(rng, len(t), 60, 900) * np.exp(-t / 0.12)
    latch = rng.standard_normal(len(t)) * np.exp(-np.abs(t - 0.15) / 0.004)
    return _sound(thud + 0.8 * room + 0.3 * latch)


def _hum(rng: Generator, samples: int) -> Sound:
    """A fridge or a bad cable: 50 Hz and its harmonics."""
    t = np.arange(samples) / RATE_HZ
    tones = [np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6.28)) / k for k in range(1, 9)]
    return _sound(np.sum(tones, axis=0) + 0.02 * rng.standard_normal(samples))


def _fan(rng: Generator, samples: int) -> Sound:
    """Steady air, most of it low."""
    return _coloured(rng, samples, slope_db_per_octave=-5)


def _street(rng: Generator, samples: int) -> Sound:
    """A rumble, and cars that pass every few seconds."""
    sound = _coloured(rng, samples, slope_db_per_octave=-6)
    passing = _band(rng, samples, 200, 2500)
    t = np.arange(samples) / RATE_HZ
    swell = np.zeros(samples)
    for at in np.arange(rng.uniform(0, 2), samples / RATE_HZ, 3.5):
        swell += rng.uniform(0.5, 1.0) * np.exp(-(((t - at) / 0.7) ** 2))
    return _sound(sound + 1.5 * passing * swell)


def _coloured(rng: Generator, samples: int, *, slope_db_per_octave: float) -> Sound:
    """Noise that falls by so much towards the high end, at an RMS of 1."""
    exponent = slope_db_per_octave / 6.02
    frequencies = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    shape = np.zeros(len(frequencies))
    shape[1:] = np.maximum(frequencies[1:], 40.0) ** exponent
    return _shaped(rng, samples, shape)


def _band(rng: Generator, samples: int, low_hz: float, high_hz: float) -> Sound:
    """Noise between two frequencies, at an RMS of 1."""
    frequencies = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    return _shaped(rng, samples, ((frequencies >= low_hz) & (frequencies <= high_hz)).astype(float))


def _shaped(rng: Generator, samples: int, shape: Values) -> Sound:
    spectrum = np.fft.rfft(rng.standard_normal(samples)) * shape
    sound = np.fft.irfft(spectrum, samples)
    return _sound(sound / max(1e-9, float(np.sqrt(np.mean(sound**2)))))


def _resonate(source: Values, hz: float, width_hz: float) -> Values:
    """Pass it through a resonance of two poles."""
    radius = np.exp(-np.pi * width_hz / RATE_HZ)
    first, second = 2 * radius * np.cos(2 * np.pi * hz / RATE_HZ), -(radius**2)
    heard = np.zeros(len(source) + 2)
    for n, value in enumerate(source):
        heard[n + 2] = value + first * heard[n + 1] + second * heard[n]
    given: Values = heard[2:] * (1 - radius)
    return given


def _sound(values: Values) -> Sound:
    sound: Sound = values.astype(np.float32)
    return sound


def _times(length_ms: float) -> Values:
    return np.arange(round(length_ms * RATE_HZ / 1000)) / RATE_HZ


SHORT: Mapping[str, Callable[[Generator], Sound]] = {
    "cough": _cough,
    "click": _click,
    "door": _door,
}
"""What has a length of its own."""
LONG: Mapping[str, Callable[[Generator, int], Sound]] = {
    "hum": _hum,
    "fan": _fan,
    "street": _street,
}
"""What lasts as long as it is asked to."""
