"""A voice that tells which reply it speaks: a tone whose pitch is the reply's number.

So a tape of what a caller heard says which of several replies began to sound, and when.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE_HZ = 24_000
LOWEST_HZ = 400
STEP_HZ = 50
PITCHES = 60
"""Numbers that are so far apart have the same pitch."""
LEVEL = 8000
"""Amplitude, as PCM16."""
LOUD = 400
"""What is louder is the voice."""
GLANCE_MS = 40
"""So much of the voice tells its pitch."""


ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty")
REST = ("", *(f"-{one}" for one in ONES[1:10]))
SPOKEN = (*ONES, *(ten + rest for ten in TENS for rest in REST))
"""The numbers below `PITCHES`."""


def spoken(number: int) -> str:
    """A number as it is said, modulo `PITCHES`."""
    return SPOKEN[number % PITCHES]


def number_in(text: str) -> int | None:
    """The number of the reply, which stands in its text in digits, or `spoken`."""
    for word in (each.strip(".,:;?!").lower() for each in text.split()):
        if word.isdigit() or word in SPOKEN:
            return int(word) if word.isdigit() else SPOKEN.index(word)
    return None


def tone(number: int, start_sample: int, samples: int) -> bytes:
    """PCM16 at 24 kHz, from a sample of the whole utterance on."""
    hz = LOWEST_HZ + STEP_HZ * (number % PITCHES)
    at = (start_sample + np.arange(samples)) / RATE_HZ
    return (LEVEL * np.cos(2 * np.pi * hz * at)).astype("<i2").tobytes()


def pitch_of(sound: Samples) -> int:
    """Which number modulo `PITCHES` speaks, from some ms of it."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), RATE_HZ))
    hz = int(np.argmax(spectrum[: LOWEST_HZ + STEP_HZ * PITCHES]))
    return round((hz - LOWEST_HZ) / STEP_HZ) % PITCHES
