"""How many bots one core holds, this package's and stock Pipecat's, measured side by side.

    python -m bench.load                      # once each, some five minutes
    python -m bench.load --json load.json --rounds 3

**What is compared.** Both run Pipecat 1.14 on the standard event loop of the same Python,
with the same recogniser, LLM and voice: Pipecat's own base classes that do all their traffic
of frames and no work of a model (`bench/crowd/stand_ins.py`). Both run Silero, the real
model, on all audio. Microphones are 16 kHz, 32 ms for us and Pipecat's usual 20 ms for stock;
the voice is 24 kHz. Smart turn is left out on both sides: it is a model, 50 ms a pause. Stock
comes twice, as it is by default and as an expert would set it (`bench/peers/stock_pipecat.py`).

**No network.** Each bot's own transport runs whole, over an object with the methods of a
WebSocket (`bench/crowd/line.py`); a server's sockets would cost all of them the same.

**The load.** Each caller hears its bot and speaks over it after one to three seconds, so a bot
talks most of the time and is interrupted some 12 times a minute, far more often than in life
(`bench/crowd/callers.py`).

**The clock** counts the CPU time of the bots' process, pinned to one core, and jumps over its
waits (`bench/crowd/own_time.py`). So neither callers nor the rest of the machine take part;
what other processes leave in the cache still does, by a few percent. `--clock real` is for
bots whose parts work in other processes, as `bargein bench` measures them.

**What is measured.** `ack`: from the moment the caller *sent* what shows that it speaks, to
the moment the bot's process says that it has stopped. For us the caller's `truncate` and the
`contested` that answers it; for stock the chunk of the microphone at which its own VAD is sure
(its 200 ms of waiting for more are not counted), and the InterruptionFrame that leaves its
output. `lag`: how late the event loop runs what is due, the same for all. A core holds as many
bots as keep p99 of both at 50 ms; between two sizes it is interpolated. (Beyond a full core
bots do not pile up work at once: they speak later, so both matter.) `ms/s` is CPU time
for each second of a microphone's audio, of one bot.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from loguru import logger

from bench.crowd.callers import Crowd
from bench.crowd.figures import LIMIT_MS, Climb, Stage, bots_within, print_stage, print_summary
from bench.crowd.own_time import OwnTime, OwnTimeLoop
from bench.crowd.run import Run
from bench.crowd.sounds import onset_window

KINDS = ("bargein", "stock", "stock-best")
IDLE_BOTS = 10
BEYOND = 1.3
"""A size at which p99 is so many times the limit ends the climb at once."""


def climb(kind: str, sizes: Sequence[int], arguments: argparse.Namespace) -> Climb:
    """Measure one kind of bot at growing sizes, until it is beyond the limit.

    It rules the clock of its process, which is to be a fresh one.
    """
    os.sched_setaffinity(0, {arguments.core})
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    onset_window()
    clock, crowd = OwnTime(real=arguments.clock == "real"), Crowd()
    bots = Run(kind, clock, crowd)
    clock.rule()
    profiler = cProfile.Profile()
    with asyncio.Runner(loop_factory=lambda: OwnTimeLoop(clock, crowd)) as runner:
        if arguments.profile:
            profiler.enable()
        climbed = runner.run(_climb(kind, bots, sizes, arguments.seconds))
    if arguments.profile:
        profiler.dump_stats(f"{arguments.profile}.{kind}")
    return climbed


async def _climb(kind: str, bots: Run, sizes: Sequence[int], length_s: float) -> Climb:
    async with bots:
        bots.grow(min(IDLE_BOTS, sizes[0]), talks=False)
        idle = await bots.measure(length_s / 2)
        stages: list[Stage] = []
        for size in sizes:
            bots.grow(size, talks=True)
            try:
                stages.append(await bots.measure(length_s))
            except RuntimeError as error:
                if not stages:
                    raise
                print(f"{kind}: {size} bots are more than can be started: {error}", flush=True)
                break
            print_stage(kind, stages[-1])
            if stages[-1].p99_ms > LIMIT_MS * BEYOND:
                break
    return Climb(
        kind=kind,
        bots_per_core=bots_within(stages),
        idle_memory_mb_per_bot=idle.memory_mb_per_bot,
        idle_cpu_ms_per_audio_s=idle.cpu_ms_per_audio_s,
        stages=tuple(stages),
    )


def sizes_between(first: int, most: int, growth: float) -> list[int]:
    """Sizes that grow by a factor: a tenth more of few bots is as much as of many."""
    sizes, bots = [], float(first)
    while round(bots) <= most:
        sizes.append(round(bots))
        bots *= growth
    return sizes


def run(arguments: argparse.Namespace) -> list[Climb]:
    """Do all rounds, the kinds in turn, each climb in a process of its own."""
    sizes = sizes_between(arguments.first, arguments.most, arguments.growth)
    if arguments.step:
        sizes = list(range(arguments.first, arguments.most + 1, arguments.step))
    climbs: list[Climb] = []
    for at in range(arguments.rounds):
        # In turn, and the other way round in every second round: drift hits all alike.
        for kind in arguments.kinds if at % 2 == 0 else arguments.kinds[::-1]:
            fresh = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(max_workers=1, mp_context=fresh) as process:
                climbs.append(process.submit(climb, kind, sizes, arguments).result())
    return climbs


def main() -> None:
    """Read the arguments, pin, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--first", type=int, default=10, help="the smallest number of bots")
    parser.add_argument("--growth", type=float, default=1.3, help="each size to the next")
    parser.add_argument("--step", type=int, help="each size to the next, instead of --growth")
    parser.add_argument("--most", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each size talks")
    parser.add_argument("--clock", choices=("own", "real"), default="own")
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--profile", help="run under cProfile; one file for each kind of bot")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    climbs = run(arguments)
    print_summary(climbs)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in climbs], indent=1) + "\n")


if __name__ == "__main__":
    main()
