"""Interrupts the real pipeline over a real WebSocket, and prints times and exactness.

    .venv/bin/python -m bench.interruptions --rounds 10

Client and server share this machine and one event loop, so the times hold no network. A
round is one spoken interruption and one sound too short for a word.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

import uvicorn
from loguru import logger

from bargein.pipelines.load import load
from bargein.pipelines.serve import application
from bargein.processors.clock import monotonic_ms
from bargein.protocol import Accepted, Contested, Rejected
from tests.room.caller import Caller, heard_words
from tests.room.conftest import BASE
from tests.room.parts import GivenLlm, Tap, messages
from tests.room.speech import blip, spoken
from tests.room.test_barge_in import LONG

WARM_UP_MS = 300


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


async def interrupted(url: str, at_ms: float) -> tuple[float, float, bool]:
    """Speak over the bot: ms to `contested`, ms to the verdict, and whether the context is true."""
    GivenLlm.contexts.clear()
    async with Caller(url) as caller:
        await caller.until(lambda: caller.played_ms(1) > at_ms)
        caller.say(spoken("What about that?"))
        await caller.until(lambda: bool(caller.truncates))
        since_ms = monotonic_ms()
        await caller.until_message(Contested)
        contested_ms = monotonic_ms() - since_ms
        cut = await caller.until_message(Accepted)
        verdict_ms = monotonic_ms() - since_ms
        await caller.until(lambda: len(messages()) >= 3)
        exact = messages()[0] == ("assistant", heard_words(caller, cut.utterance))
        return contested_ms, verdict_ms, exact


async def disturbed(url: str, at_ms: float) -> tuple[float, int]:
    """Make a short sound: ms to the verdict, and by how many samples the tape differs."""
    Tap.made.clear()
    async with Caller(url, threshold=0.3) as caller:
        await caller.until(lambda: caller.played_ms(1) > at_ms)
        caller.say(blip())
        await caller.until(lambda: bool(caller.truncates))
        since_ms = monotonic_ms()
        await caller.until_message(Rejected)
        verdict_ms = monotonic_ms() - since_ms
        await caller.until(lambda: caller.floors()[-1:] == ["idle"])
        heard, made = bytes(caller.tape[1]), b"".join(Tap.made)
        differ = sum(a != b for a, b in zip(heard, made, strict=False)) // 2
        return verdict_ms, differ + abs(len(heard) - len(made)) // 2


def row(name: str, values: list[float]) -> None:
    """Print a figure's middle and extremes."""
    middle = statistics.median(values)
    print(f"{name:44} {min(values):8.1f} {middle:8.1f} {max(values):8.1f}")


async def run(rounds: int, folder: Path) -> None:
    """Do all rounds, and print the table."""
    config = folder / "bench.yaml"
    hears, answers = "[what about that]", "[We will see.]"
    config.write_text(
        BASE.replace("hears: []", f"hears: {hears}").replace("answers: []", f"answers: {answers}")
        + f"greeting: {LONG!r}\n"
    )
    server, task, url = await serve(config)
    rng = random.Random(1)
    moments = [rng.uniform(WARM_UP_MS, 4000) for _ in range(rounds)]
    # These first: a reply that an interrupted session still speaks would reach the tap.
    rejects = [await disturbed(url, at_ms) for at_ms in moments]
    accepts = [await interrupted(url, at_ms) for at_ms in moments]
    server.should_exit = True
    await task
    print(f"{'ms, ' + str(rounds) + ' rounds':44} {'min':>8} {'median':>8} {'max':>8}")
    row("truncate sent -> contested received", [each[0] for each in accepts])
    row("truncate sent -> accepted received", [each[1] for each in accepts])
    row("truncate sent -> rejected received", [each[0] for each in rejects])
    print(f"contexts that hold exactly the played words: {sum(e[2] for e in accepts)} of {rounds}")
    print(f"samples lost or repeated by {rounds} rejections: {sum(each[1] for each in rejects)}")


def main() -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(run(arguments.rounds, arguments.folder))


if __name__ == "__main__":
    main()
