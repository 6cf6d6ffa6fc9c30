"""The track that carries the bot's voice: it asks for 20 ms whenever 20 ms have passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from bargein.processors.clock import monotonic_ms

CHUNK_MS = 20
LATE_MS = 40
"""A track that is further behind than this does not catch up: audio that is sent faster
than it is played makes the listener's buffer, and every pause after it, longer."""


class VoiceTrack(MediaStreamTrack):
    """Reads from `take`, which gives exactly as many samples as it is asked for."""

    kind = "audio"

    def __init__(self, take: Callable[[int], bytes], *, sample_rate_hz: int) -> None:
        """Begin with the first `recv`."""
        super().__init__()
        self._take = take
        self._rate_hz = sample_rate_hz
        self._chunk_samples = sample_rate_hz * CHUNK_MS // 1000
        self._samples = 0
        self._due_ms = 0.0

    async def recv(self) -> AudioFrame:
        """Wait until the next chunk is due, and give it."""
        if self.readyState != "live":
            raise MediaStreamError
        now_ms = monotonic_ms()
        if now_ms - self._due_ms > LATE_MS:
            self._due_ms = now_ms
        await asyncio.sleep((self._due_ms - now_ms) / 1000)
        self._due_ms += CHUNK_MS
        samples = np.frombuffer(self._take(self._chunk_samples), dtype=np.int16)
        frame = AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = self._rate_hz
        frame.pts = self._samples
        frame.time_base = Fraction(1, self._rate_hz)
        self._samples += self._chunk_samples
        return frame
