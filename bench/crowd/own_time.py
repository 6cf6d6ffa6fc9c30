"""A clock that counts only what bots cost and what they wait for, and an event loop on it.

Wall time on a machine that others use measures the others. Here time passes in two ways: by
the CPU time of this process, all its threads together, as on one core of its own; and by a
jump over the wait whenever nothing is left to do. The callers are outside: their CPU time does
not count, and what they send is there when the loop looks for input next, as from a socket.
What is left of the machine's noise is a cache that others have emptied.

A part that works in another process, or in a thread that the loop knows nothing of, would be
left behind by the jumps: bots with such parts are measured on a `real` clock.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, Protocol

_monotonic_s = time.monotonic
MONOTONIC_S = 1_000.0
"""Where the clock begins; its zero means nothing."""


class Outside(Protocol):
    """The world of the bots: it acts at times of its own."""

    def act(self, now_s: float) -> None:
        """Do all that is due."""

    def next_s(self) -> float:
        """When something is due next."""


class OwnTime:
    """Seconds of CPU time, and of waits jumped over."""

    def __init__(self, *, real: bool = False) -> None:
        """Begin now; a `real` clock is the machine's, and jumps nothing."""
        self.real = real
        self._not_counted_s = time.process_time() - MONOTONIC_S
        self._epoch_s = time.time() - MONOTONIC_S
        self.jumped_s = 0.0

    def now_s(self) -> float:
        """The time."""
        if self.real:
            return _monotonic_s()
        return self.cpu_s()

    def cpu_s(self) -> float:
        """CPU time of the bots, and the waits jumped over."""
        return time.process_time() - self._not_counted_s + self.jumped_s

    def jump(self, wait_s: float) -> None:
        """Nothing happens for so long."""
        self.jumped_s += max(0.0, wait_s)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """What this thread does meanwhile takes no time."""
        began_s = time.thread_time()
        try:
            yield
        finally:
            self._not_counted_s += time.thread_time() - began_s

    def rule(self) -> None:
        """Be the clock of everything in this process."""
        if self.real:
            return
        time.monotonic = self.now_s
        time.time = lambda: self._epoch_s + self.now_s()
        time.time_ns = lambda: int(time.time() * 1e9)
        time.monotonic_ns = lambda: int(self.now_s() * 1e9)


class _Waits(selectors.DefaultSelector):
    """Looks for input as the loop does, and jumps where the loop would wait."""

    def __init__(self, clock: OwnTime, outside: Outside) -> None:
        super().__init__()
        self._clock, self._outside = clock, outside
        self.jobs = 0
        """What other threads still do for the loop."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        until_s = self._clock.now_s() + (float("inf") if timeout is None else timeout)
        with self._clock.standing_still():
            self._outside.act(self._clock.now_s())
            if self._clock.real:
                next_s = min(until_s, self._outside.next_s())
                return super().select(max(0.0, next_s - self._clock.now_s()))
            if found := super().select(0):
                return found
            if self.jobs and (timeout is None or timeout > 0):
                # Their time is CPU time, and counts by itself.
                return super().select(None)
        next_s = min(until_s, self._outside.next_s())
        self._clock.jump(next_s - self._clock.now_s())
        with self._clock.standing_still():
            self._outside.act(self._clock.now_s())
        return []


class OwnTimeLoop(asyncio.SelectorEventLoop):
    """The standard event loop, on this clock."""

    def __init__(self, clock: OwnTime, outside: Outside) -> None:
        """Run among what happens outside."""
        self._waits = _Waits(clock, outside)
        self._clock = clock
        super().__init__(self._waits)

    def time(self) -> float:
        """The time of the clock."""
        return self._clock.now_s()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it in a thread; nobody jumps ahead of it."""
        self._waits.jobs += 1
        job = super().run_in_executor(executor, func, *args)
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: asyncio.Future[Any] | Future[Any]) -> None:
        self._waits.jobs -= 1
