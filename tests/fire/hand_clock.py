"""Time that passes only when somebody says so, and what happens in it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
STEPS_PER_MS = 8
"""The plugs' own clock goes in steps of 1/8 ms; what is due within one is due at its end."""
MOST_AT_ONCE = 10_000
"""So much does not happen at one moment, unless somebody waits for what never comes."""


class Alarm:
    """Something that will happen, unless it is cancelled."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class HandClock:
    """A `Clock` of the plugs; what is due at the same time happens in the order of asking."""

    def __init__(self) -> None:
        self._now_ms = 0.0
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._asked = 0

    def now_ms(self) -> float:
        return self._now_ms

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(callback)
        self._asked += 1
        due_ms = math.ceil((self._now_ms + delay_ms) * STEPS_PER_MS) / STEPS_PER_MS
        if delay_ms > 0 and due_ms <= self._now_ms:
            due_ms = self._now_ms + 1 / STEPS_PER_MS
        heapq.heappush(self._alarms, (due_ms, self._asked, alarm))
        return alarm

    def run(self, ms: float, after_each: Callable[[], None]) -> None:
        """Let so much time pass."""
        end_ms = math.ceil((self._now_ms + ms) * STEPS_PER_MS) / STEPS_PER_MS
        at_once = 0
        while self._alarms and self._alarms[0][0] <= end_ms:
            at_ms, _, alarm = heapq.heappop(self._alarms)
            at_once = at_once + 1 if at_ms <= self._now_ms else 0
            if at_once > MOST_AT_ONCE:
                raise AssertionError("somebody waits without letting time pass")
            self._now_ms = max(self._now_ms, at_ms)
            if alarm.callback is not None:
                alarm.callback()
                after_each()
        self._now_ms = end_ms


def run_now(work: Coroutine[Any, Any, T]) -> T:
    """Run what never really waits; an AssertionError if it would."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    raise AssertionError("it would have waited for something")
