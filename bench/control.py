"""The control plane by itself: how fast it answers, and how soon a dead worker's talk begins again.

    python -m bench.control --rooms 200 --kills 5

Real processes on this machine, one after the other; a bot of the tests talks. Times are the
operator's and the client's, over the loopback interface.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.control.serving import Control, Talker, control, until

MS_PER_S = 1000
CAPACITY = 400


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Do it, and give the milliseconds that it took with what came of it."""
    start_s = time.perf_counter()
    found = await work()
    return (time.perf_counter() - start_s) * MS_PER_S, found


def told(name: str, times_ms: list[float]) -> str:
    """A line of the table."""
    cuts = quantiles(times_ms, n=20)
    return f"| {name} | {len(times_ms)} | {cuts[9]:.0f} | {cuts[18]:.0f} |"


async def rooms(serving: Control, count: int) -> list[float]:
    """Ask for rooms one after the other, no faster than an address may."""
    times_ms = []
    for _ in range(count):
        took_ms, _ = await timed(serving.room)
        times_ms.append(took_ms)
        await asyncio.sleep(max(0.0, 0.06 - took_ms / MS_PER_S))
    return times_ms


async def joins(serving: Control, count: int) -> list[float]:
    """From the first packet to the welcome: the token is spent, and a bot is made."""
    times_ms = []
    for _ in range(count):
        made = await serving.room()
        talker = Talker(made)
        took_ms, _ = await timed(talker.__aenter__)
        assert talker.is_welcome
        times_ms.append(took_ms)
        await talker.__aexit__()
    return times_ms


async def kill(serving: Control) -> float:
    """From SIGKILL of a worker to the welcome of the same session elsewhere."""
    made = await serving.room()
    async with Talker(made) as talker:
        os.kill(await serving.worker_pid(made), signal.SIGKILL)
        start_s = time.perf_counter()
        await talker.over()
    path, asked = f"/rooms/{made['room']}/tokens", {"session": made["session"]}

    async def again() -> Any:
        answer = await serving.ask("POST", path, asked)
        return answer.json() if answer.status_code == 201 else None

    async with Talker(await until(again)) as returned:
        assert returned.is_welcome
        took_ms = (time.perf_counter() - start_s) * MS_PER_S

    async def two() -> bool:
        return len(await serving.workers()) == 2

    await until(two)
    return took_ms


async def measure(room_count: int, kill_count: int) -> None:
    """Print the table."""
    with TemporaryDirectory() as folder:
        options = ("--capacity", str(CAPACITY))
        async with control(Path(folder), *options, workers=2) as serving:
            print("| | n | p50 ms | p95 ms |\n|---|---|---|---|")
            print(told("POST /rooms", await rooms(serving, room_count)))
            print(told("hello to welcome, at the worker", await joins(serving, 20)))
            times_ms = [await kill(serving) for _ in range(kill_count)]
            print(told("SIGKILL of a worker to welcome elsewhere", times_ms))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=200)
    parser.add_argument("--kills", type=int, default=5)
    asked = parser.parse_args()
    asyncio.run(measure(asked.rooms, asked.kills))


if __name__ == "__main__":
    main()
