"""What the log is told of requests that were refused: the reason, and not more than so much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import HTTPException
from loguru import logger

from bargein.processors.clock import monotonic_ms

MOST_A_MINUTE = 10
"""Whoever reaches the port may be refused as often as they like: the rest is counted."""
MINUTE_MS = 60_000
MOST_CHARS = 200
"""Of a reason, which may quote what was sent."""


class Refusals:
    """Use as `with refusals.told(): ...` around what may raise an HTTPException."""

    def __init__(
        self,
        *,
        warn: Callable[[str], None] = logger.warning,
        clock_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """Begin with nothing refused."""
        self._warn, self._clock_ms = warn, clock_ms
        self._minute_ms = clock_ms()
        self._said = self._unsaid = 0

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell of a refusal that passes through."""
        try:
            yield
        except HTTPException as error:
            self._tell(f"an offer was refused ({error.status_code}): {_shown(str(error.detail))}")
            raise

    def _tell(self, text: str) -> None:
        if self._clock_ms() - self._minute_ms >= MINUTE_MS:
            self._begin()
        if self._said < MOST_A_MINUTE:
            self._said += 1
            self._warn(text)
        elif self._unsaid == 0:
            self._unsaid = 1
            self._warn("more offers are refused; for a minute they are only counted")
        else:
            self._unsaid += 1

    def _begin(self) -> None:
        if self._unsaid:
            self._warn(f"{self._unsaid} more offers were refused")
        self._minute_ms = self._clock_ms()
        self._said = self._unsaid = 0


def _shown(reason: str) -> str:
    """On one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in reason)[:MOST_CHARS]
