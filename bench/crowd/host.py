"""The process of the bots: many of one kind in one event loop, on one core.

    python -m bench.crowd.host KIND CORE FD PROFILE

It does what commands on the trunk say, and answers with figures of its own: CPU time and
memory of this process, how late the event loop wakes up, and the latencies of the bots.
PROFILE is a file for cProfile, or empty.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from loguru import logger

from bench.crowd.line import Line
from bench.crowd.trunk import Kind, Record, Trunk

LAG_PERIOD_S = 0.01
PAGE_BYTES = resource.getpagesize()
HANG_UP_S = 10.0

RunBot = Callable[[Line], Awaitable[None]]


def kind_of_bot(name: str) -> RunBot:
    """Import one kind of bot only, so that memory is its own."""
    if name == "bargein":
        from bench.crowd import our_bot

        our_bot.config()
        return our_bot.run
    from bench.peers import stock_pipecat

    setting = {"stock": stock_pipecat.DEFAULT, "stock-best": stock_pipecat.BEST}[name]
    return partial(stock_pipecat.run, setting=setting)


class Host:
    """Runs bots for whoever is at the other end of the trunk."""

    def __init__(self, run_bot: RunBot) -> None:
        """Begin without bots."""
        self._run_bot = run_bot
        self._lines: dict[int, Line] = {}
        self._bots: dict[int, asyncio.Task[None]] = {}
        self._lags_ms: list[float] = []
        self._since = (0.0, 0.0, 0.0)
        self.trunk = Trunk(self._take)

    async def serve(self) -> None:
        """Serve until the trunk is cut."""
        watch = asyncio.create_task(self._watch_loop())
        await self.trunk.closed
        watch.cancel()
        for line in self._lines.values():
            line.hang_up()
        if self._bots:
            await asyncio.wait(self._bots.values(), timeout=HANG_UP_S)

    def _take(self, record: Record) -> None:
        if record.kind is Kind.COMMAND:
            self._obey(json.loads(record.payload))
        else:
            self._lines[record.bot].put(record)

    def _obey(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "open":
                for bot in range(command["from"], command["to"]):
                    self._open(bot)
            case "begin":
                self._lags_ms.clear()
                for line in self._lines.values():
                    line.acknowledged_ms.clear()
                    line.chunks = 0
                self._since = time.monotonic(), time.process_time(), _waited_s()
        self.trunk.send(0, Kind.COMMAND, time.monotonic(), json.dumps(self._figures()).encode())

    def _open(self, bot: int) -> None:
        self._lines[bot] = line = Line(partial(self.trunk.send, bot))
        self._bots[bot] = asyncio.create_task(self._run(line))

    async def _run(self, line: Line) -> None:
        try:
            await self._run_bot(line)
        except Exception:
            logger.exception("a bot failed")

    def _figures(self) -> dict[str, Any]:
        since_s, cpu_since_s, waited_since_s = self._since
        return {
            "wall_s": time.monotonic() - since_s,
            "cpu_s": time.process_time() - cpu_since_s,
            "waited_s": _waited_s() - waited_since_s,
            "chunks": sum(line.chunks for line in self._lines.values()),
            "memory_bytes": _memory_bytes(),
            "lags_ms": self._lags_ms,
            "acknowledged_ms": [ms for line in self._lines.values() for ms in line.acknowledged_ms],
            "failed": sum(task.done() for task in self._bots.values()),
        }

    async def _watch_loop(self) -> None:
        while True:
            due_s = time.monotonic() + LAG_PERIOD_S
            await asyncio.sleep(LAG_PERIOD_S)
            self._lags_ms.append((time.monotonic() - due_s) * 1000)


def _memory_bytes() -> int:
    """Resident memory of this process that is its own."""
    fields = Path("/proc/self/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES


def _waited_s() -> float:
    """How long the event loop's thread was ready and something else had the core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


async def _serve(kind: str, fd: int) -> None:
    host = Host(kind_of_bot(kind))
    trunk = socket.socket(fileno=fd)
    await asyncio.get_running_loop().create_connection(lambda: host.trunk, sock=trunk)
    await host.serve()


def main() -> None:
    """Pin, connect, serve."""
    kind, core, fd, profile = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    os.sched_setaffinity(0, {core})
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    if profile:
        with cProfile.Profile() as profiler:
            asyncio.run(_serve(kind, fd))
        profiler.dump_stats(profile)
        return
    asyncio.run(_serve(kind, fd))


if __name__ == "__main__":
    main()
