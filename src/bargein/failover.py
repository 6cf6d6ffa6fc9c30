"""Which of several parts of one kind does the work: the first that can.

One that fails for good (a refused key) is not asked again. One that may recover is asked again
after a while, at the beginning of a piece of work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a part was taken off its work."""

    REFUSED = "refused"
    """Its key, its model or the request is refused: trying again will not help."""
    FAILED = "failed"
    """It told an error that may pass."""
    SILENT = "silent"
    """It was given work, and nothing came."""


@dataclass(frozen=True, slots=True)
class FailedOver:
    """Another part has taken over."""

    failed: str
    """The part's name in the YAML."""
    took_over: str
    cause: Cause
    at_ms: float


class Ranks:
    """The parts in the order in which they are preferred; the first works until it fails."""

    def __init__(self, count: int, *, retry_after_ms: float) -> None:
        """Begin with all of them able to work."""
        self.active = 0
        self._retry_after_ms = retry_after_ms
        self._off_until_ms = [-math.inf] * count

    def failed(self, which: int, now_ms: float, *, for_good: bool) -> bool:
        """This one has failed; whether another one has taken over from it."""
        until_ms = math.inf if for_good else now_ms + self._retry_after_ms
        self._off_until_ms[which] = until_ms
        return which == self.active and self._choose(now_ms)

    def work_begins(self, now_ms: float) -> bool:
        """A new piece of work comes; whether another part than so far is to do it."""
        return self._choose(now_ms)

    def _choose(self, now_ms: float) -> bool:
        able = (i for i, until_ms in enumerate(self._off_until_ms) if until_ms <= now_ms)
        before, self.active = self.active, next(able, self.active)
        return self.active != before
