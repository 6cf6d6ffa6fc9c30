"""Interrupts the bot over WebRTC, and prints when it was silent and where, and what was believed.

    .venv/bin/python -m bench.rtvi --rounds 10

Needs the extra `rtvi`. Client and server share this machine and one event loop: the times
hold Opus and aiortc's buffers, but no network and no browser's jitter buffer.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
from pathlib import Path

import numpy as np
import uvicorn
from loguru import logger
from numpy.typing import NDArray

from bargein.pipelines.load import load
from bargein.pipelines.serve import application
from bargein.protocol import Accepted, Message
from bargein.transports.rtvi import call
from bargein.transports.rtvi.link import RtviLink
from tests.room.conftest import BASE
from tests.room.parts import GivenLlm, Tap
from tests.room.speech import RATE_HZ, spoken
from tests.room.test_barge_in import LONG
from tests.rtvi.phone import Phone

BOT_RATE_HZ = 24_000
LOUD = 300
TAIL_SAMPLES = BOT_RATE_HZ // 2
"""So much of the end of what was heard is looked for in what was made."""
SETTLED_S = 1.5


async def serve(config: Path) -> tuple[uvicorn.Server, asyncio.Task[None], str]:
    """Open the room of a config."""
    loaded = load(config, environ=os.environ)
    local = application(loaded, loaded.transport.build())
    server = uvicorn.Server(
        uvicorn.Config(local.app, port=0, log_level="error", ws="websockets-sansio")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, task, f"ws://127.0.0.1:{port}/ws"


class Watched(RtviLink):
    """Keeps the verdicts."""

    cuts: list[int] = []  # noqa: RUF012  (the bench reads them)

    def send(self, message: Message) -> None:
        if isinstance(message, Accepted):
            self.cuts.append(message.cut_samples)
        super().send(message)


def last_heard(sound: NDArray[np.int16], made: NDArray[np.int16]) -> int:
    """Where in what was made the end of what was heard is, in samples."""
    tail = sound[-TAIL_SAMPLES:].astype(np.float64)
    voice = made.astype(np.float64)
    size = 1 << (len(voice) + len(tail)).bit_length()
    found = np.fft.irfft(np.fft.rfft(voice, size) * np.conj(np.fft.rfft(tail, size)), size)
    total = np.concatenate([[0.0], np.cumsum(voice**2)])
    energy = total[TAIL_SAMPLES:] - total[:-TAIL_SAMPLES]
    alike = found[: len(energy)] / np.sqrt(energy + 1)
    return int(np.argmax(alike)) + TAIL_SAMPLES


async def interrupted(address: str, at_ms: float) -> tuple[float, float]:
    """Speak over the bot: ms from onset to silence, ms of audio heard beyond the cut."""
    Tap.made.clear()
    GivenLlm.contexts.clear()
    Watched.cuts.clear()
    question = spoken("What about that?")
    lead_ms = float(np.flatnonzero(np.abs(question) > LOUD)[0]) * 1000 / RATE_HZ
    async with Phone(address) as phone:
        await phone.until_message("bot-started-speaking")
        await asyncio.sleep(at_ms / 1000)
        onset_ms = phone.say(question) + lead_ms
        await phone.until_message("user-started-speaking")
        await asyncio.sleep(SETTLED_S)
        loud = [i for i, (_, sound) in enumerate(phone.tape) if np.abs(sound).max() > LOUD]
        silent_ms = phone.tape[loud[-1]][0]
        sound = np.concatenate([each for _, each in phone.tape[: loud[-1] + 1]])[::2]
    made = np.frombuffer(b"".join(Tap.made), dtype="<i2")
    believed = np.flatnonzero(np.abs(made[: Watched.cuts[0]]) > LOUD)[-1]
    beyond = last_heard(sound, made) - believed
    return silent_ms - onset_ms, beyond * 1000 / BOT_RATE_HZ


async def main() -> None:
    """Serve a room, interrupt it many times, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    logger.remove()
    rng = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.yaml"
        room = "transport: {use: local, port: 0, max_sessions: 2, rtvi: true}"
        plain = "transport: {use: local, port: 0, max_sessions: 2}"
        asked = BASE.replace(plain, room).replace("hears: []", "hears: [what about that]")
        config.write_text(f"{asked}greeting: {LONG!r}\n")
        server, task, url = await serve(config)
        address = url.replace("ws://", "http://").removesuffix("/ws")
        measured = [await interrupted(address, rng.uniform(800, 4000)) for _ in range(rounds)]
        server.should_exit = True
        await task
    row("onset -> silence", [each[0] for each in measured])
    row("heard beyond the cut", [each[1] for each in measured])


def row(name: str, values: list[float]) -> None:
    """Print a figure's middle and extremes."""
    middle = statistics.median(values)
    print(
        f"{name:22} ms: median {middle:5.0f}   least {min(values):5.0f}   most {max(values):5.0f}"
    )


if __name__ == "__main__":
    call.RtviLink = Watched  # type: ignore[attr-defined]
    asyncio.run(main())
