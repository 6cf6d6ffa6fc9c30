"""When a rehearsal is over: everything is decided, or nothing more comes."""

from __future__ import annotations

from collections.abc import Sequence

from bargein.rehearsal.expectations import Finding, Status
from bargein.rehearsal.scenario import Scenario

NOTHING_COMES_MS = 8_000
"""When bot and user were silent for so long, and no act waits for its time, nothing will come."""


class Ending:
    """Asked every few milliseconds; always says yes in the end."""

    def __init__(self, scenario: Scenario) -> None:
        """Take the scenario's bounds."""
        self._within_ms = scenario.ends.within_ms
        self._settle_ms = scenario.ends.settle_ms
        self._decided_ms: float | None = None
        self._quiet_since_ms = 0.0

    def is_over(
        self,
        findings: Sequence[Finding],
        *,
        now_ms: float,
        acting: bool,
        acts_left: bool,
        waits_for_time: bool,
        playing: bool,
        last_ms: float,
    ) -> bool:
        """Whether to end now; `last_ms` is when something happened last."""
        if now_ms >= self._within_ms:
            return True
        is_open = any(each.status is Status.OPEN for each in findings)
        if is_open or acting or acts_left:
            self._decided_ms = None
        elif self._decided_ms is None:
            self._decided_ms = now_ms
        elif now_ms - self._decided_ms >= self._settle_ms:
            return True
        if acting or playing or waits_for_time:
            self._quiet_since_ms = now_ms
        return now_ms - max(self._quiet_since_ms, last_ms) >= NOTHING_COMES_MS
