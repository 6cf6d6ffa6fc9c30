"""Many bots of one kind and their callers in one process, on the bench's own clock."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType

from loguru import logger

from bench.crowd.callers import CALLERS, Crowd
from bench.crowd.figures import Stage, percentile
from bench.crowd.line import Line
from bench.crowd.own_time import OwnTime

WARM_UP_S = 4.0
LAG_PERIOD_S = 0.01
HANG_UP_S = 10.0
PAGE_BYTES = resource.getpagesize()

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


class Run:
    """Bots that are added to, and measured in between."""

    def __init__(self, kind: str, clock: OwnTime, crowd: Crowd) -> None:
        """Begin without bots."""
        self._kind, self._clock, self._crowd = kind, clock, crowd
        self._run_bot = kind_of_bot(kind)
        self._base_bytes = _memory_bytes()
        self._lines: list[Line] = []
        self._bots: list[asyncio.Task[None]] = []
        self._lags_ms: list[float] = []

    async def __aenter__(self) -> Run:
        """Watch how late the loop is."""
        self._watch = asyncio.create_task(self._watch_loop())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._watch.cancel()
        for line in self._lines:
            line.hang_up()
        if self._bots:
            await asyncio.wait(self._bots, timeout=HANG_UP_S)

    def grow(self, bots: int, *, talks: bool) -> None:
        """Open bots until there are so many, each with a caller."""
        for at in range(len(self._lines), bots):
            line = Line(partial(self._heard, at))
            self._lines.append(line)
            self._bots.append(asyncio.create_task(self._answer(line)))
            self._crowd.add(CALLERS[self._kind](line, random.Random(at)), self._clock.now_s())
        for caller in self._crowd.callers:
            caller.talks = talks

    async def measure(self, length_s: float) -> Stage:
        """Let them talk, and give what it cost."""
        await asyncio.sleep(WARM_UP_S)
        self._lags_ms.clear()
        for line in self._lines:
            line.acknowledged_ms.clear()
            line.chunks = 0
        began, waited_s = self._counts(), _waited_s()
        await asyncio.sleep(length_s)
        took_s, cpu_s = (now - then for now, then in zip(self._counts(), began, strict=True))
        waited_share = (_waited_s() - waited_s) / took_s if self._clock.real else 0.0
        if failed := sum(task.done() for task in self._bots):
            raise RuntimeError(f"{failed} bots of {self._kind} have ended; see above")
        return self._stage(cpu_s, took_s, waited_share)

    def _counts(self) -> tuple[float, float]:
        """Seconds that have passed, and seconds of CPU time of the bots."""
        return self._clock.now_s(), self._clock.cpu_s() - self._clock.jumped_s

    def _stage(self, cpu_s: float, took_s: float, waited_share: float) -> Stage:
        bots = len(self._lines)
        acks = [ms for line in self._lines for ms in line.acknowledged_ms]
        audio_s = sum(line.chunks for line in self._lines) * self._crowd.callers[0].chunk_s
        return Stage(
            bots=bots,
            ack_p50_ms=percentile(acks, 50),
            ack_p99_ms=percentile(acks, 99),
            acks=len(acks),
            lag_p99_ms=percentile(self._lags_ms, 99),
            cpu_share=cpu_s / took_s,
            waited_share=waited_share,
            cpu_ms_per_audio_s=1000 * cpu_s / audio_s,
            memory_mb_per_bot=(_memory_bytes() - self._base_bytes) / bots / 2**20,
        )

    def _heard(self, at: int, data: str | bytes) -> None:
        self._crowd.heard.append((at, data))

    async def _answer(self, line: Line) -> None:
        try:
            await self._run_bot(line)
        except Exception:
            logger.exception("a bot failed")

    async def _watch_loop(self) -> None:
        while True:
            due_s = time.monotonic() + LAG_PERIOD_S
            await asyncio.sleep(LAG_PERIOD_S)
            self._lags_ms.append((time.monotonic() - due_s) * 1000)


def _waited_s() -> float:
    """How long the event loop's thread was ready and something else had the core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _memory_bytes() -> int:
    """Resident memory of this process that is its own."""
    fields = Path("/proc/self/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES
