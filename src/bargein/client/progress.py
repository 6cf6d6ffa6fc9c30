"""Tells how far playout has come: every so often while it advances, and at each stop."""

from __future__ import annotations

Position = tuple[int, int]
"""An utterance, and how many samples of it were played."""


class Progress:
    """Says when a position is to be told."""

    def __init__(self, every_ms: float) -> None:
        """Tell at most so often while playout advances."""
        self._every_ms = every_ms
        self._told_ms = float("-inf")
        self._told: Position | None = None
        self._seen: Position | None = None

    def tick(self, now: Position | None, now_ms: float) -> Position | None:
        """What to tell now, if anything; `now` is None while nothing plays."""
        if now is None:
            return None
        stands, self._seen = now == self._seen, now
        if now == self._told or now[1] == 0:
            return None
        if not stands and now_ms - self._told_ms < self._every_ms:
            return None
        self._told, self._told_ms = now, now_ms
        return now
