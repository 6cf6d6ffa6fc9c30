"""How many bots one core holds, this package's and stock Pipecat's, measured side by side.

    python -m bench.load                      # both, some six minutes
    python -m bench.load --json load.json --rounds 3

**What is compared.** Both run Pipecat 1.14 on the standard event loop of the same Python,
with the same recogniser, LLM and voice: Pipecat's own base classes that do all their traffic
of frames and no work of a model (`bench/crowd/stand_ins.py`). Both run Silero, the real
model, on all audio. Microphones are 16 kHz, 32 ms for us and Pipecat's usual 20 ms for stock;
the voice is 24 kHz. Smart turn is left out on both sides: it is a model, 50 ms a pause. Stock
comes twice, as it is by default and as an expert would set it (`bench/peers/stock_pipecat.py`).

**No network.** Each bot's own transport runs whole, over an object with the methods of a
WebSocket (`bench/crowd/line.py`); a server's sockets would cost all of them the same.

**The load.** Callers in another process on another core: each hears its bot and speaks
over it after one to three seconds, so a bot talks most of the time and is interrupted some
15 times a minute, far more often than in life.

**What is measured.** `ack`: from the moment the caller *sent* what shows that it speaks, to
the moment the bot's process says that it has stopped. For us the caller's `truncate` and the
`contested` that answers it; for stock the chunk of the microphone at which its own VAD is sure
(its 200 ms of waiting for more are not counted), and the InterruptionFrame that leaves its
output. `lag`: how late the event loop runs what is due, the same for all. A core holds as many
bots as keep p99 of `ack` at 50 ms; between two sizes it is interpolated.

The bots' process is pinned to one core, the callers to another. On a machine that others use
too, the CPU time of a second of audio is the figure to trust, and the ratio before either.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.crowd.callers import CALLERS, Crowd, onset_window
from bench.crowd.trunk import Kind, Record, Trunk

KINDS = ("bargein", "stock", "stock-best")
LIMIT_MS = 50.0
WARM_UP_S = 4.0
IDLE_BOTS = 10
ANSWER_WITHIN_S = 90.0
BEYOND = 1.3
"""A size at which p99 is so many times the limit ends the climb at once."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a number of bots cost."""

    bots: int
    ack_p50_ms: float
    ack_p99_ms: float
    acks: int
    lag_p99_ms: float
    cpu_share: float
    waited_share: float
    """So much of the time the bots were ready to run, and others had the core."""
    cpu_ms_per_audio_s: float
    memory_mb_per_bot: float
    callers_late_p99_ms: float


@dataclass(frozen=True, slots=True)
class Climb:
    """One kind of bot, from few to too many."""

    kind: str
    bots_per_core: float
    idle_memory_mb_per_bot: float
    idle_cpu_ms_per_audio_s: float
    stages: tuple[Stage, ...]


class Run:
    """A process of bots and its callers."""

    def __init__(self, kind: str, bots_core: int, profile: str = "") -> None:
        """Start the process, under cProfile if there is a file for it."""
        self.kind = kind
        ours, theirs = socket.socketpair()
        self._socket = ours
        command = [sys.executable, "-m", "bench.crowd.host", kind, str(bots_core)]
        self._process = subprocess.Popen(
            [*command, str(theirs.fileno()), profile], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.crowd = Crowd()

    async def __aenter__(self) -> Run:
        """Connect, and wait until the process has imported everything."""
        self.trunk = Trunk(self._take)
        await asyncio.get_running_loop().create_connection(lambda: self.trunk, sock=self._socket)
        self._living = asyncio.create_task(self.crowd.live())
        self._base_bytes = (await self.ask("begin"))["memory_bytes"]
        return self

    async def __aexit__(self, *_: object) -> None:
        """End callers and process."""
        self._living.cancel()
        self.trunk.close()
        await asyncio.to_thread(self._process.wait)

    async def ask(self, what: str, **more: int) -> dict[str, Any]:
        """Send a command, and give the figures that answer it."""
        command = json.dumps({"do": what} | more).encode()
        self.trunk.send(0, Kind.COMMAND, time.monotonic(), command)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await self._answers.get()

    async def grow(self, bots: int, *, talks: bool) -> None:
        """Open bots until there are so many, each with a caller."""
        have = len(self.crowd.callers)
        await self.ask("open", **{"from": have, "to": bots})
        for at in range(have, bots):

            def send(kind: Kind, payload: bytes, at: int = at) -> None:
                self.trunk.send(at, kind, time.monotonic(), payload)

            self.crowd.add(CALLERS[self.kind](send, random.Random(at)))
        for caller in self.crowd.callers:
            caller.talks = talks

    async def measure(self, length_s: float) -> dict[str, Any]:
        """Let them talk, and give what it cost."""
        await asyncio.sleep(WARM_UP_S)
        await self.ask("begin")
        self.crowd.late_ms.clear()
        await asyncio.sleep(length_s)
        figures = await self.ask("end")
        if figures["failed"]:
            raise RuntimeError(f"{figures['failed']} bots of {self.kind} failed; see above")
        return figures

    def memory_mb_per_bot(self, figures: dict[str, Any]) -> float:
        """What each bot added to the process without bots."""
        added: float = figures["memory_bytes"] - self._base_bytes
        return added / len(self.crowd.callers) / 2**20

    def cpu_ms_per_audio_s(self, figures: dict[str, Any]) -> float:
        """What a second of a microphone's audio costs, of the audio that bots got to take."""
        audio_s: float = figures["chunks"] * self.crowd.callers[0].chunk_s
        return 1000 * float(figures["cpu_s"]) / audio_s

    def stage(self, figures: dict[str, Any]) -> Stage:
        """Make figures of what was measured."""
        bots = len(self.crowd.callers)
        cpu_share = figures["cpu_s"] / figures["wall_s"]
        acks = figures["acknowledged_ms"]
        return Stage(
            bots=bots,
            ack_p50_ms=percentile(acks, 50),
            ack_p99_ms=percentile(acks, 99),
            acks=len(acks),
            lag_p99_ms=percentile(figures["lags_ms"], 99),
            cpu_share=cpu_share,
            waited_share=figures["waited_s"] / figures["wall_s"],
            cpu_ms_per_audio_s=self.cpu_ms_per_audio_s(figures),
            memory_mb_per_bot=self.memory_mb_per_bot(figures),
            callers_late_p99_ms=percentile(self.crowd.late_ms, 99),
        )

    def _take(self, record: Record) -> None:
        if record.kind is Kind.COMMAND:
            self._answers.put_nowait(json.loads(record.payload))
        else:
            self.crowd.callers[record.bot].take(record.kind, record.payload)


async def climb(kind: str, sizes: Sequence[int], arguments: argparse.Namespace) -> Climb:
    """Measure one kind of bot at growing sizes, until it is beyond the limit."""
    length_s: float = arguments.seconds
    profile = f"{arguments.profile}.{kind}" if arguments.profile else ""
    async with Run(kind, arguments.bots_core, profile) as run:
        await run.grow(min(IDLE_BOTS, sizes[0]), talks=False)
        idle = await run.measure(length_s / 2)
        stages: list[Stage] = []
        idle_mb, idle_ms = run.memory_mb_per_bot(idle), run.cpu_ms_per_audio_s(idle)
        for bots in sizes:
            await run.grow(bots, talks=True)
            try:
                figures = await run.measure(length_s)
            except RuntimeError as error:
                if not stages:
                    raise
                print(f"{kind}: {bots} bots are more than can be started: {error}", flush=True)
                break
            stages.append(run.stage(figures))
            print_stage(kind, stages[-1])
            if stages[-1].ack_p99_ms > LIMIT_MS * BEYOND:
                break
        return Climb(
            kind=kind,
            bots_per_core=bots_within(stages),
            idle_memory_mb_per_bot=idle_mb,
            idle_cpu_ms_per_audio_s=idle_ms,
            stages=tuple(stages),
        )


def bots_within(stages: Sequence[Stage]) -> float:
    """How many bots keep p99 at the limit, from the first size that does not."""
    before_bots, before_ms = 0.0, 0.0
    for stage in stages:
        if stage.ack_p99_ms > LIMIT_MS:
            share = (LIMIT_MS - before_ms) / (stage.ack_p99_ms - before_ms)
            return before_bots + share * (stage.bots - before_bots)
        before_bots, before_ms = stage.bots, stage.ack_p99_ms
    return before_bots


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def print_stage(kind: str, stage: Stage) -> None:
    """Print a size as it is measured."""
    print(
        f"{kind:11} {stage.bots:4} bots  ack {stage.ack_p50_ms:7.1f} {stage.ack_p99_ms:8.1f} ms"
        f" ({stage.acks})  lag p99 {stage.lag_p99_ms:7.1f} ms  core {stage.cpu_share:5.0%}"
        f"  {stage.cpu_ms_per_audio_s:6.2f} ms/s  {stage.memory_mb_per_bot:5.1f} MB"
        f"  (core taken {stage.waited_share:.0%}, callers {stage.callers_late_p99_ms:.1f} ms late)",
        flush=True,
    )


def print_summary(climbs: Sequence[Climb]) -> None:
    """Print medians over the rounds, and the ratios to stock."""
    names = ("bots a core", "ms/s talking", "ms/s idle", "MB talking", "MB idle")
    print("\n" + " " * 12 + "".join(f"{name:>14}" for name in names))
    bots: dict[str, float] = {}
    for kind in dict.fromkeys(each.kind for each in climbs):
        rounds = [each for each in climbs if each.kind == kind]
        bots[kind] = statistics.median(each.bots_per_core for each in rounds)
        busiest = [within(each) for each in rounds]
        print(
            f"{kind:12}{bots[kind]:14.0f}"
            f"{statistics.median(s.cpu_ms_per_audio_s for s in busiest):14.2f}"
            f"{statistics.median(e.idle_cpu_ms_per_audio_s for e in rounds):14.2f}"
            f"{statistics.median(s.memory_mb_per_bot for s in busiest):14.1f}"
            f"{statistics.median(e.idle_memory_mb_per_bot for e in rounds):14.1f}"
        )
    for kind in ("stock", "stock-best"):
        if "bargein" in bots and kind in bots:
            print(f"bargein holds {bots['bargein'] / bots[kind]:.2f} times as many as {kind}")


def within(one: Climb) -> Stage:
    """The largest size that kept the limit, or the smallest of all."""
    kept = [stage for stage in one.stages if stage.ack_p99_ms <= LIMIT_MS]
    return kept[-1] if kept else one.stages[0]


async def run(arguments: argparse.Namespace) -> list[Climb]:
    """Do all rounds, the kinds in turn."""
    sizes = range(arguments.first, arguments.most + 1, arguments.step)
    climbs: list[Climb] = []
    for at in range(arguments.rounds):
        # In turn, and the other way round in every second round: drift hits all alike.
        kinds = arguments.kinds if at % 2 == 0 else arguments.kinds[::-1]
        climbs += [await climb(kind, sizes, arguments) for kind in kinds]
    return climbs


def main() -> None:
    """Read the arguments, pin, and run."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--first", type=int, default=20, help="the smallest number of bots")
    parser.add_argument("--step", type=int, default=10)
    parser.add_argument("--most", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each size talks")
    parser.add_argument("--bots-core", type=int, default=cores[0])
    parser.add_argument("--callers-core", type=int, default=cores[-1])
    parser.add_argument("--profile", help="run under cProfile; one file for each kind of bot")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.callers_core})
    onset_window()
    climbs = asyncio.run(run(arguments))
    print_summary(climbs)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in climbs], indent=1) + "\n")


if __name__ == "__main__":
    main()
