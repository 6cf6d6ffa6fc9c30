"""This package's bot, and its caller: the client of bargein/1 over a WebSocket's stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bargein.client.client import Client, ClientSettings
from bargein.ledger.entries import AnyEntry, SessionEnd, Speculated
from bargein.pipelines.load import load
from bargein.pipelines.session import assemble
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.protocol import WINDOW_SAMPLES
from bargein.rehearsal.network import NetworkSettings
from bargein.transports.local.server import expect_hello
from bargein.transports.local.transport import LocalTransport
from bargein.transports.rehearsal.line import Line
from bargein.voice_activity import Refresh
from bench.turn_taking.vendors import Vendors
from bench.turn_taking.wires import Wire
from tests.vendors.voice import RATE_HZ

FOLDER = Path(__file__).parent
WINDOW_BYTES = WINDOW_SAMPLES * 2
STOP_S = 10


class Sink:
    """Keeps of the ledger what predictions did."""

    def __init__(self) -> None:
        """Begin empty."""
        self.speculated: Speculated | None = None

    def write(self, entry: AnyEntry) -> None:
        """Keep the session's sum, which comes at its end."""
        if isinstance(entry, SessionEnd):
            self.speculated = entry.speculation


class BargeinPhone:
    """The client as the browser's, with its own VAD."""

    def __init__(self, network: NetworkSettings | None, seed: int) -> None:
        """Say hello."""
        self._client = Client(ClientSettings())
        self._silero, self._refresh = Silero(), Refresh()
        self._window = bytearray()
        self.sink = Sink()
        self.line = Line(transmit=self._transmit, note=lambda message: None)
        self._up = Wire(network, seed, self.line.arrive)
        self._down = Wire(network, seed + 1, self._receive)
        self._client.connect(monotonic_ms())
        self._send()

    @property
    def ready(self) -> bool:
        """Whether it was welcomed."""
        return self._client.welcome is not None

    def hear(self, pcm: bytes, now_ms: float) -> None:
        """Collect a window, score it, send it."""
        self._window += pcm
        while len(self._window) >= WINDOW_BYTES:
            window = bytes(self._window[:WINDOW_BYTES])
            del self._window[:WINDOW_BYTES]
            probability = self._silero.probability(window)
            if self._refresh.due(probability, speaking=self._client.contesting):
                self._silero.reset()
            self._client.hear(window, probability, monotonic_ms())
        self._client.tick(monotonic_ms())
        self._client.events()
        self._send()

    def play(self, samples: int, now_ms: float) -> bytes:
        """What the client's player makes of what it has."""
        return self._client.render(samples, monotonic_ms())

    def hang_up(self) -> None:
        """Leave."""
        self._up.cut()
        self._down.cut()
        self.line.hang_up()

    def _transmit(self, data: str | bytes) -> None:
        self._down.send(data)

    def _receive(self, data: str | bytes) -> None:
        self._client.receive(data, monotonic_ms())
        self._send()

    def _send(self) -> None:
        for data in self._client.take():
            self._up.send(data)


@asynccontextmanager
async def call(
    config: str, vendors: Vendors, network: NetworkSettings | None, seed: int
) -> AsyncIterator[BargeinPhone]:
    """Run the bot of a config of this folder, and give a phone that is connected to it."""
    urls = {"STT_URL": vendors.stt_url, "LLM_URL": vendors.llm_url, "TTS_URL": vendors.tts_url}
    loaded = load(FOLDER / config, environ=urls)
    phone = BargeinPhone(network, seed)

    async def serve() -> None:
        hello = await expect_hello(phone.line)
        transport = LocalTransport(
            phone.line, sample_rate_hz=RATE_HZ, capabilities=hello.capabilities
        )
        session = assemble(
            loaded, transport=transport, link=phone.line, sample_rate_hz=RATE_HZ, ledger=phone.sink
        )
        await session.run(until=phone.line.closed, greet_after=transport.microphone_heard)

    serving = asyncio.create_task(serve())
    try:
        yield phone
    finally:
        phone.hang_up()
        await asyncio.wait_for(serving, STOP_S)
