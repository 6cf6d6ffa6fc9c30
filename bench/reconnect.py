"""How long the bot is silent when its connection is cut, and what of its voice is lost or doubled.

    python -m bench.reconnect [--drops 50] [--away-ms 0]

The real pipeline, its room, and the Python client over a real WebSocket on this machine; the line
is aborted at a random moment of a sentence, and made again `away-ms` later. Silence counts from
the end of what still sounded after the cut to the next sample, as the loudspeaker plays them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from loguru import logger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bargein.client.client import Client, ClientSettings
from bargein.client.events import Sounded
from bargein.measure.figures import percentile
from bargein.pipelines.load import load
from bargein.pipelines.serve import application
from bargein.pipelines.session import warm_up
from bargein.processors.clock import monotonic_ms
from bargein.protocol import WINDOW_SAMPLES
from bargein.transports.local.room import LocalRoom

STEP_MS = 8
STALL_MS = 3 * STEP_MS
BOUND_S = 30.0
STEPS_A_WINDOW = 4
"""32 ms, as the microphone's packets."""
SENTENCE = (
    "This is a long sentence that goes on for quite a while, so that there is time to lose it. "
)
CONFIG = Path(__file__).resolve().parent.parent / "configs" / "local.yaml"


@dataclass
class Phone:
    """The client, its loudspeaker and its line."""

    url: str
    client: Client = field(default_factory=lambda: Client(ClientSettings(vad=False)))
    sounded: list[Sounded] = field(default_factory=list)
    socket: ClientConnection | None = None
    reading: asyncio.Task[None] | None = None

    async def dial(self) -> None:
        """Connect and say hello."""
        self.socket = await connect(self.url)
        self.client.connect(monotonic_ms())
        await self._send()
        self.reading = asyncio.create_task(self._read(self.socket))

    def cut(self) -> None:
        """The line is gone without a word."""
        assert self.socket
        assert self.reading
        self.reading.cancel()
        self.client.disconnect(monotonic_ms())
        self.socket.transport.abort()

    async def until_sounded(self, pieces: int) -> None:
        """Wait until more than so many pieces have sounded, in bounded time."""
        async with asyncio.timeout(BOUND_S):
            while len(self.sounded) <= pieces:  # noqa: ASYNC110  (a step of the loudspeaker)
                await asyncio.sleep(STEP_MS / 1000)

    async def live(self) -> None:
        """Hear silence, and play; in steps of 8 ms, for ever."""
        due_ms, step = monotonic_ms(), 0
        while True:
            now_ms = monotonic_ms()
            if step % STEPS_A_WINDOW == 0:
                self.client.hear(bytes(2 * WINDOW_SAMPLES), 0.0, now_ms)
            rate_hz = self.client.welcome.sample_rate_hz if self.client.welcome else 24_000
            self.client.render(rate_hz * STEP_MS // 1000, now_ms)
            self.client.tick(now_ms)
            self.sounded += [each for each in self.client.events() if isinstance(each, Sounded)]
            await self._send()
            step += 1
            # A microphone that was held up has heard nothing meanwhile.
            due_ms = max(due_ms + STEP_MS, monotonic_ms() - STALL_MS)
            await asyncio.sleep(max(0.0, (due_ms - monotonic_ms()) / 1000))

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            self.client.receive(data, monotonic_ms())
            await self._send()

    async def _send(self) -> None:
        for data in self.client.take():
            try:
                assert self.socket
                await self.socket.send(data)
            except ConnectionClosed:
                return


@dataclass(frozen=True)
class Drop:
    """What one cut did."""

    silent_ms: float
    lost: int
    again: int


async def one_drop(phone: Phone, away_ms: float, after_ms: float) -> Drop:
    """Let it talk for so long, cut the line, and wait until the bot is heard again."""
    await asyncio.sleep(after_ms / 1000)
    await phone.until_sounded(len(phone.sounded))
    cut_ms = monotonic_ms()
    phone.cut()
    await asyncio.sleep(away_ms / 1000)
    await phone.dial()
    dialled_at = len(phone.sounded)
    await phone.until_sounded(dialled_at)
    last, first = phone.sounded[dialled_at - 1], phone.sounded[dialled_at]
    end = last.start_sample + last.samples
    rate_hz = phone.client.welcome.sample_rate_hz if phone.client.welcome else 24_000
    ended_ms = max(cut_ms, last.at_ms + last.samples * 1000 / rate_hz)
    jump = first.start_sample - end if first.utterance == last.utterance else 0
    return Drop(first.at_ms - ended_ms, max(0, jump), max(0, -jump))


async def measure(drops: int, away_ms: float) -> list[Drop]:
    """Serve the room in this very process, and cut its line so often."""
    settings = (f"greeting={SENTENCE * drops}", "transport.port=0", "endpointing.smart_turn=false")
    config = load(CONFIG, overrides=settings, environ=os.environ)
    room = config.transport.build()
    assert isinstance(room, LocalRoom)
    warm_up(config)
    server = uvicorn.Server(
        uvicorn.Config(
            application(config, room).app, port=0, log_level="error", ws="websockets-sansio"
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    phone, rng = Phone(f"ws://127.0.0.1:{port}/ws"), random.Random(1)
    await phone.dial()
    living = asyncio.create_task(phone.live())
    done = [await one_drop(phone, away_ms, rng.uniform(600, 1800)) for _ in range(drops)]
    living.cancel()
    phone.cut()
    server.should_exit = True
    await serving
    return done


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drops", type=int, default=50)
    parser.add_argument("--away-ms", type=float, default=0)
    asked = parser.parse_args()
    logger.remove()
    done = asyncio.run(measure(asked.drops, asked.away_ms))
    silent = [each.silent_ms for each in done]
    again = [each.again / 24 for each in done]
    sys.stdout.write(
        f"{len(done)} drops, away {asked.away_ms:.0f} ms: "
        f"silent p50 {percentile(silent, 50):.0f} ms, p95 {percentile(silent, 95):.0f} ms; "
        f"samples lost {sum(each.lost for each in done)}; "
        f"said again p50 {percentile(again, 50):.0f} ms, most {max(again):.0f} ms\n"
    )


if __name__ == "__main__":
    main()
