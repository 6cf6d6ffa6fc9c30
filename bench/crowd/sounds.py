"""What callers say and how their room sounds, rendered once and cut into chunks."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bargein.processors.silero import Silero
from tests.room.speech import spoken

RATE_HZ = 16_000
HISS = 3
"""A quiet room: noise of so many steps of 16 bits."""
THRESHOLD = 0.65
SAYS = "What about that then?"


@cache
def silence(chunk_samples: int) -> tuple[bytes, ...]:
    """A second of a quiet room in chunks."""
    return _chunks(np.zeros(RATE_HZ, dtype=np.int16), chunk_samples)


@cache
def speech(chunk_samples: int) -> tuple[bytes, ...]:
    """What each caller says, in chunks."""
    return _chunks(spoken(SAYS), chunk_samples)


def _chunks(samples: NDArray[np.int16], chunk_samples: int) -> tuple[bytes, ...]:
    rng = np.random.default_rng(7)
    whole = samples[: len(samples) // chunk_samples * chunk_samples]
    noisy = (whole + rng.integers(-HISS, HISS + 1, len(whole))).astype("<i2")
    return tuple(chunk.tobytes() for chunk in noisy.reshape(-1, chunk_samples))


@cache
def onset_window() -> int:
    """The window of what is said at which a client's VAD hears it."""
    silero = Silero()
    for window in silence(512):
        silero.probability(window)
    return next(
        at for at, window in enumerate(speech(512)) if silero.probability(window) >= THRESHOLD
    )


@cache
def protobuf_audio(pcm: bytes) -> bytes:
    """A chunk as Pipecat's client writes it."""
    from pipecat.frames.protobufs import frames_pb2

    frame = frames_pb2.Frame()  # type: ignore[attr-defined]
    frame.audio.audio = pcm
    frame.audio.sample_rate = RATE_HZ
    frame.audio.num_channels = 1
    data: bytes = frame.SerializeToString()
    return data
