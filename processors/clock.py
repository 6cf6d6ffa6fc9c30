"""The one clock that durations come from, and the one timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

STEP_NS = 125_000
"""An eighth of a millisecond: times, and what is between two of them, are exact in binary."""
NS_PER_MS = 1_000_000


def monotonic_ms() -> float:
    """Milliseconds of the monotonic clock, in steps of 1/8; their zero means nothing."""
    return time.monotonic_ns() // STEP_NS * (STEP_NS / NS_PER_MS)


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not happen."""


class Clock(Protocol):
    """What a plug asks for the time; another one lets time pass as fast as a test can run."""

    def now_ms(self) -> float:
        """Milliseconds; their zero means nothing."""

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Call it once, after so long."""


class LoopClock:
    """The monotonic clock, and the timers of the running event loop."""

    def now_ms(self) -> float:
        """Milliseconds of the monotonic clock."""
        return monotonic_ms()

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Call it from the running loop."""
        return asyncio.get_running_loop().call_later(delay_ms / 1000, callback)
