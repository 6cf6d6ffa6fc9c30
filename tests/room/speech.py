"""Speech and noise for a test's microphone: synthesized, 16 kHz, PCM16."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from bargein.processors.espeak import Speech, Voice, engine

RATE_HZ = 16_000
ESPEAK_RATE_HZ = 22_050
LEVEL = 0.5


@cache
def spoken(text: str) -> NDArray[np.int16]:
    """A sentence in another voice than the bot's."""
    chunks: list[bytes] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        return True

    voice = Voice(name="en-us+klatt4", words_per_minute=160, pitch=40, volume=100)
    engine().speak(text, voice, keep).result(timeout=10)
    samples = np.frombuffer(b"".join(chunks), dtype="<i2").astype(np.float32)
    resampled = soxr.resample(samples, ESPEAK_RATE_HZ, RATE_HZ)
    scaled: NDArray[np.float32] = (
        resampled / max(1.0, float(np.abs(resampled).max())) * 32767 * LEVEL
    )
    return scaled.astype(np.int16)


def blip(text: str = "ah", *, length_ms: int = 90) -> NDArray[np.int16]:
    """Voice too short to be a word: it fires a client's VAD, not the server's onset."""
    samples = spoken(text)
    loud = np.flatnonzero(np.abs(samples) > 1000)
    start = int(loud[0]) if len(loud) else 0
    return samples[start : start + RATE_HZ * length_ms // 1000]


def noise_burst(length_ms: int = 300, *, seed: int = 1) -> NDArray[np.int16]:
    """A cough-like burst: noise with a sharp attack and a decay."""
    rng = np.random.default_rng(seed)
    count = RATE_HZ * length_ms // 1000
    envelope = np.exp(-np.arange(count) / (count / 4))
    return (rng.standard_normal(count) * envelope * 9000).clip(-32768, 32767).astype(np.int16)
