"""What is said to a page over a real transport, and what comes back, with its times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bargein.pacing import Pacing
from bargein.packet import Flag, Kind, Packet
from bargein.processors.clock import monotonic_ms
from bargein.protocol import MICROPHONE_RATE_HZ, Codec, Ping, Played, Pong, Truncate, Welcome
from bargein.transports.local.connection import DisconnectedError
from bargein.transports.local.transport import LocalTransport, Peer

RATE_HZ = 24_000
CHUNK_SAMPLES = 480
LEAD_MS = 200
UTTERANCE = 1


@dataclass
class Talk:
    """One utterance to one page; `serve` is what a server calls for each page."""

    voice: NDArray[np.int16]
    begun_ms: float = 0.0
    finished_ms: float = 0.0
    played: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    _microphone: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[tuple[float, int, bool]] = field(default_factory=list)
    """Of each piece of the microphone: when it came, its first sample, whether it is silence that
    stands for a loss."""

    async def serve(self, _transport: LocalTransport, connection: Peer) -> None:
        """Greet, say the utterance, listen until the bench has what it wants."""
        connection.send(Welcome(session="bench", epoch=1, sample_rate_hz=RATE_HZ))
        listening = asyncio.create_task(self._listen(connection))
        await self._microphone.wait()
        await self._speak(connection)
        await self.leave.wait()
        listening.cancel()
        connection.close()

    async def _speak(self, connection: Peer) -> None:
        pacing = Pacing(LEAD_MS)
        self.begun_ms = monotonic_ms()
        for start in range(0, len(self.voice), CHUNK_SAMPLES):
            await asyncio.sleep(pacing.wait_ms(monotonic_ms()) / 1000)
            chunk = self.voice[start : start + CHUNK_SAMPLES]
            last = Flag.LAST if start + len(chunk) == len(self.voice) else Flag.NONE
            pacing.let_out(len(chunk) * 1000 / RATE_HZ, monotonic_ms())
            connection.send_audio(Packet(Kind.BOT, 1, UTTERANCE, start, chunk.tobytes(), last))

    async def _listen(self, connection: Peer) -> None:
        try:
            while True:
                self._take(connection, await connection.receive())
        except DisconnectedError:
            self.over.set()

    def _take(self, connection: Peer, data: str | bytes) -> None:
        now_ms = monotonic_ms()
        if isinstance(data, bytes):
            packet = Packet.unpack(data)
            self.heard.append((now_ms, packet.start_sample, not any(packet.pcm)))
            self._microphone.set()
            return
        message = Codec.read_client(data)
        if isinstance(message, Ping):
            connection.send(Pong(epoch=1, clock_ms=message.clock_ms, server_clock_ms=now_ms))
        if isinstance(message, Played | Truncate):
            self.played = max(self.played, message.played_samples)
        if isinstance(message, Played) and message.finished:
            self.finished_ms = now_ms
            self.over.set()

    @property
    def uplink_late_ms(self) -> NDArray[np.float64]:
        """How much later than the quickest each piece of the microphone came."""
        lag_ms = [at - start * 1000 / MICROPHONE_RATE_HZ for at, start, _ in self.heard]
        return np.array(lag_ms) - min(lag_ms)
