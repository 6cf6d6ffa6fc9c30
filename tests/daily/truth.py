"""How wrong the page's estimate is: what it told, against what its loudspeaker really gave.

Each position that the page told is looked up in the track that the bot's end has put in, and
the sound that was rendered just before is found in that track by cross-correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.browser.ramp import QUANTUM_SAMPLES
from tests.browser.talk import Tape

RATE_HZ = 24_000
WINDOW_MS = 150
SEARCH_MS = 200
LEAST_RMS = 0.01
LEAST_CORRELATION = 0.6
Floats = NDArray[np.float64]


def errors_ms(
    tape: Tape, track: NDArray[np.int16], sent: Sequence[dict[str, Any]], *, epoch: int = 1
) -> list[float]:
    """Give told minus true, for each position told under an epoch where enough was heard."""
    source = track.astype(np.float64) / 32768
    verdicts = [m["frame"] for m in tape.marks if m["mark"] == "verdict"] + [float("inf")]
    begin, end = ([0, *verdicts])[epoch - 1 : epoch + 1]
    errors = []
    for mark in tape.marks:
        if mark["mark"] != "played" or not begin < mark["frame"] < end:
            continue
        told = track_sample(sent, epoch, mark["utterance"], mark["played"])
        heard = heard_before(tape, mark["frame"] - tape.start_frame + QUANTUM_SAMPLES)
        true = None if told is None else find(heard, source, told)
        if told is not None and true is not None:
            errors.append((told - true) * 1000 / RATE_HZ)
    return errors


def track_sample(
    sent: Sequence[dict[str, Any]], epoch: int, utterance: int, played: int
) -> int | None:
    """Where in the track a sample of an utterance was put."""
    for mark in sent:
        if mark["type"] != "bargein/mark" or mark["epoch"] != epoch:
            continue
        within = played - mark["start_sample"]
        if mark["utterance"] == utterance and 0 <= within <= mark["samples"]:
            begin: int = mark["track_sample"]
            return begin + int(within)
    return None


def heard_before(tape: Tape, end: int) -> Floats:
    """The sound before a sample of the tape, at the track's rate."""
    begin = end - tape.rate_hz * WINDOW_MS // 1000
    window = tape.samples[max(0, begin) : end].astype(np.float64)
    count = len(window) * RATE_HZ // tape.rate_hz
    return np.interp(np.arange(count) * tape.rate_hz / RATE_HZ, np.arange(len(window)), window)


def find(heard: Floats, source: Floats, near: int) -> int | None:
    """Where in the source what was heard ends; None where it is too quiet or not found."""
    span = RATE_HZ * SEARCH_MS // 1000
    begin = max(0, near - span - len(heard))
    part = source[begin : near + span]
    if len(part) < len(heard) or np.sqrt(np.mean(heard**2)) < LEAST_RMS:
        return None
    products = np.correlate(part, heard)
    energies = np.convolve(part**2, np.ones(len(heard)), "valid")
    likeness = products / np.sqrt(np.maximum(energies, 1e-9) * np.sum(heard**2))
    best = int(np.argmax(likeness))
    return begin + best + len(heard) if likeness[best] > LEAST_CORRELATION else None
