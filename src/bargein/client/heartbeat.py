"""When to send a ping, and when the connection counts as dead."""

from __future__ import annotations

from typing import Literal

PING_EVERY_MS = 2000
DEAD_AFTER_MS = 6000


class Heartbeat:
    """Listens for the server; times are arguments, in ms."""

    def __init__(self, now_ms: float) -> None:
        """The server was heard just now."""
        self._heard_ms = now_ms
        self._pinged_ms = float("-inf")
        self._unanswered_ms: float | None = None
        """The first ping since something was heard."""

    def hear(self, now_ms: float) -> None:
        """Something came from the server."""
        self._heard_ms = now_ms
        self._unanswered_ms = None

    def tick(self, now_ms: float) -> Literal["ping", "dead"] | None:
        """What to do now.

        A client that slept has heard nothing for long; the connection counts as dead only
        when it has asked since, and waited for an answer.
        """
        waited_ms = 0.0 if self._unanswered_ms is None else now_ms - self._unanswered_ms
        if waited_ms >= DEAD_AFTER_MS - PING_EVERY_MS and now_ms - self._heard_ms >= DEAD_AFTER_MS:
            return "dead"
        if now_ms - self._pinged_ms < PING_EVERY_MS:
            return None
        self._pinged_ms = now_ms
        if self._unanswered_ms is None:
            self._unanswered_ms = now_ms
        return "ping"
