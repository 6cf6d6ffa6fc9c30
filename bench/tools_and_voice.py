"""Does the voice stutter while tools fork, loop, allocate and print as much as they can?

    .venv/bin/python -m bench.tools_and_voice                 # some 5 minutes
    .venv/bin/python -m bench.tools_and_voice --rounds 3 --seconds 60

One bot of the load bench (the whole pipeline, without vendors) talks in real time. Three states
take turns, so that the noise of the machine meets all of them:

*alone*: nothing else; *tools*: four workers of the sandbox at once, each a greedy function of
`bench/greedy_tools.py` that is killed after a second, and the next begins; *threads*: one greedy
loop in a thread of the bot, as a tool that is called in the bot's own process would run.

*slack* of a packet: how long before its first sample is due it is sent, where the listener plays
from the first packet of an utterance on; the first second of each is left out. The tracker sends
up to `lead_ms` (200 ms) ahead; below zero the listener hears a gap. *lag*: how late the event loop
runs what is due, asked every 10 ms. In the end: how long a call takes whose function does nothing,
with a worker that was started for it (*warm*) and without (*cold*).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loguru import logger

from bargein.packet import Kind, Packet
from bargein.processors.sandbox.opening import open_sandbox
from bargein.processors.sandbox.outcome import Returned
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.tool import Permissions, PythonHandler
from bench.crowd import our_bot
from bench.crowd.callers import TIRED_OF_WAITING_S, OurCaller
from bench.crowd.figures import percentile
from bench.crowd.line import Line
from bench.crowd.sounds import onset_window

GREEDY = Path(__file__).with_name("greedy_tools.py")
FUNCTIONS = ("loop", "burn", "fork", "allocate", "print_garbage", "fill_the_disk")
AT_ONCE = 4
LIMITS = Limits(timeout_ms=1_000)
STATES = ("alone", "tools", "threads")
CALLS = 40
LAG_PERIOD_S = 0.01
SETTLE_S = 3.0
WINDOW_SAMPLES = 512
IMPATIENT_S = 4.0
"""A caller who hears nothing for so long asks again; an answer takes some ten seconds."""


@dataclass
class Figures:
    """What was measured in one state."""

    slack_ms: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)
    audio_s: float = 0.0
    calls: int = 0


class Listener:
    """Hears the bot as a client does that plays at once what comes."""

    def __init__(self) -> None:
        """Hear nothing so far."""
        self.figures = Figures()
        self._utterance = 0
        self._due_s = 0.0
        """When the next sample would be played."""

    def hear(self, data: str | bytes) -> None:
        """Note when a packet of the voice came, against when it was due."""
        if isinstance(data, str):
            return
        packet, now_s = Packet.unpack(data), time.monotonic()
        if packet.kind is not Kind.BOT or not packet.samples:
            return
        if packet.utterance != self._utterance:
            self._utterance, self._due_s = packet.utterance, now_s
        elif packet.start_sample > our_bot.RATE_HZ:  # by then it is as far ahead as it may be
            self.figures.slack_ms.append((self._due_s - now_s) * 1_000)
        if now_s > self._due_s:
            self.figures.gaps_ms.append((now_s - self._due_s) * 1_000)
            self._due_s = now_s
        length_s = packet.samples / our_bot.RATE_HZ
        self._due_s += length_s
        self.figures.audio_s += length_s


class Talk:
    """One bot and its caller."""

    def __init__(self) -> None:
        """`run` does the rest."""
        self.listener = Listener()
        self._line = Line(self._heard)
        self._caller = OurCaller(self._line, random.Random(1), chunk_samples=WINDOW_SAMPLES)

    async def run(self) -> None:
        """Talk until cancelled; the caller waits for the end of each answer."""
        bot = asyncio.create_task(our_bot.run(self._line))
        caller, began_s = self._caller, time.monotonic()
        try:
            while not bot.done():
                caller.now_s = began_s + caller.steps * caller.chunk_s
                caller.heard_s = 0.0
                if caller.waits_s > IMPATIENT_S:
                    caller.waits_s = 2 * TIRED_OF_WAITING_S
                caller.step()
                await asyncio.sleep(max(0.0, caller.now_s + caller.chunk_s - time.monotonic()))
            bot.result()
        finally:
            self._line.hang_up()
            await asyncio.wait([bot], timeout=5)

    def _heard(self, data: str | bytes) -> None:
        self.listener.hear(data)
        self._caller.take(data)


async def measure(talk: Talk, state: str, sandbox: Sandbox, seconds: float) -> Figures:
    """Let the bot talk in one state."""
    async with load(state, sandbox) as calls:
        await asyncio.sleep(SETTLE_S)
        talk.listener.figures = figures = Figures()
        watch = asyncio.create_task(watch_lag(figures.lag_ms))
        await asyncio.sleep(seconds)
        watch.cancel()
        talk.listener.figures = Figures()
        figures.calls = len(calls)
    return figures


async def watch_lag(lag_ms: list[float]) -> None:
    """Ask the event loop again and again to be on time."""
    while True:
        due_s = time.monotonic() + LAG_PERIOD_S
        await asyncio.sleep(LAG_PERIOD_S)
        lag_ms.append((time.monotonic() - due_s) * 1_000)


@asynccontextmanager
async def load(state: str, sandbox: Sandbox) -> AsyncIterator[list[str]]:
    """Keep this up meanwhile; gives the calls that were made."""
    calls: list[str] = []
    over = threading.Event()
    tasks = []
    if state == "tools":
        tasks = [asyncio.create_task(greedy(sandbox, calls, at)) for at in range(AT_ONCE)]
    if state == "threads":
        threading.Thread(target=loop_until, args=(over,), daemon=True).start()
    try:
        yield calls
    finally:
        over.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def greedy(sandbox: Sandbox, calls: list[str], at: int) -> None:
    """Call one greedy function after the other."""
    while True:
        name = FUNCTIONS[at % len(FUNCTIONS)]
        handler = PythonHandler(str(GREEDY), name)
        outcome = await sandbox.run(handler, {}, LIMITS, Permissions())
        calls.append(f"{name}: {outcome}")
        at += 1


def loop_until(over: threading.Event) -> None:
    """Be a tool in a thread of the bot."""
    while not over.is_set():
        sum(range(1_000))


async def call_ms(sandbox: Sandbox, *, warm: bool) -> list[float]:
    """Call a function that does nothing; gives what each call took."""
    handler, permissions = PythonHandler(str(GREEDY), "nothing"), Permissions()
    job, took_ms = Job(handler, LIMITS, permissions), []
    for _ in range(CALLS):
        if warm:
            await sandbox.warm([job])
        outcome = await sandbox.run(handler, {}, LIMITS, permissions)
        assert isinstance(outcome, Returned), outcome
        took_ms.append(outcome.duration_ms)
    return took_ms


def row(state: str, figures: Sequence[Figures]) -> str:
    """Give a line of the table."""
    slack = [ms for each in figures for ms in each.slack_ms]
    gaps = [ms for each in figures for ms in each.gaps_ms]
    lag = [ms for each in figures for ms in each.lag_ms]
    audio_s = sum(each.audio_s for each in figures)
    cells = [
        state,
        f"{audio_s:.0f} s",
        f"{percentile(slack, 50):.0f}",
        f"{percentile(slack, 1):.0f}",
        f"{min(slack):.0f}",
        f"{len(gaps)} ({sum(gaps):.0f} ms)",
        f"{percentile(lag, 99):.1f}",
        f"{max(lag):.1f}",
        str(sum(each.calls for each in figures)),
    ]
    return f"| {' | '.join(cells)} |"


async def run(arguments: argparse.Namespace) -> None:
    """Measure all states in turn, and print the table."""
    our_bot.config()
    onset_window()
    sandbox, talk = await open_sandbox(), Talk()
    print(*sandbox.protections.describe()[:1])
    talking = asyncio.create_task(talk.run())
    measured: dict[str, list[Figures]] = {state: [] for state in STATES}
    for _ in range(arguments.rounds):
        for state in STATES:
            measured[state].append(await measure(talk, state, sandbox, arguments.seconds))
            print(row(state, measured[state][-1:]), flush=True)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    warm_ms = await call_ms(sandbox, warm=True)
    await sandbox.close()
    cold = Sandbox(sandbox.protections, most_spares=0)
    cold_ms = await call_ms(cold, warm=False)
    await cold.close()
    print("\n| | voice | slack p50 | p1 | least ms | gaps | lag p99 | most ms | calls |")
    print("|---|---|---|---|---|---|---|---|---|")
    for state in STATES:
        print(row(state, measured[state]))
    for name, took_ms in (("warm", warm_ms), ("cold", cold_ms)):
        p50, p95 = percentile(took_ms, 50), percentile(took_ms, 95)
        print(f"a call, {name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms of {CALLS}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=40.0)
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
