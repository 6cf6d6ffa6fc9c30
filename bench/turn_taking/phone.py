"""A phone without a protocol of its own: it sends what it hears, and plays what comes."""

from __future__ import annotations

import asyncio

from bargein.rehearsal.levels import RATE_HZ
from bargein.rehearsal.network import NetworkSettings
from bench.turn_taking.wires import Wire

CHUNK_BYTES = RATE_HZ // 50 * 2
"""20 ms, Pipecat's usual chunk of a microphone."""


class PlainPhone:
    """Subclasses say what becomes of what arrives at the bot."""

    def __init__(self, network: NetworkSettings | None, seed: int) -> None:
        """Hold the line."""
        self.started = asyncio.Event()
        self._buffer, self._chunk = bytearray(), bytearray()
        self._up = Wire(network, seed, self._arrive)
        self._down = Wire(network, seed + 1, self._receive)

    @property
    def ready(self) -> bool:
        """Whether the bot is there."""
        return self.started.is_set()

    def hear(self, pcm: bytes, now_ms: float) -> None:
        """Send the microphone's sound in chunks."""
        self._chunk += pcm
        while len(self._chunk) >= CHUNK_BYTES:
            self._up.send(bytes(self._chunk[:CHUNK_BYTES]))
            del self._chunk[:CHUNK_BYTES]

    def play(self, samples: int, now_ms: float) -> bytes:
        """Play what has come."""
        pcm = bytes(self._buffer[: samples * 2]).ljust(samples * 2, b"\0")
        del self._buffer[: samples * 2]
        return pcm

    def hang_up(self) -> None:
        """Leave."""
        self._up.cut()
        self._down.cut()

    def _arrive(self, data: str | bytes) -> None:
        """The microphone's sound is at the bot."""
        raise NotImplementedError

    def _receive(self, data: str | bytes) -> None:
        """The bot's voice is here; a word in its place drops what was not played."""
        if isinstance(data, str):
            self._buffer.clear()
        else:
            self._buffer += data
