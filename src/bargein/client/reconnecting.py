"""When a client that has lost its connection tries again, and when it gives up; time is data.

`transports/client/reconnecting.js` is the same in JavaScript.
"""

from __future__ import annotations

from dataclasses import dataclass

DELAYS_MS = (0.0, 250.0, 500.0, 1000.0, 2000.0)
"""Behind each try that failed; the last one again and again."""
TRY_BOUND_MS = 5000.0
"""A try that has no welcome by then has failed: the next one may take another way."""


@dataclass(slots=True)
class Reconnecting:
    """The tries since one connection was lost."""

    lost_ms: float
    grace_ms: float
    """The session waits for so long."""
    tries: int = 0

    def next_ms(self, now_ms: float) -> float | None:
        """How long to wait before the next try; None where it would come too late."""
        delay_ms = DELAYS_MS[min(self.tries, len(DELAYS_MS) - 1)]
        self.tries += 1
        return None if now_ms + delay_ms - self.lost_ms >= self.grace_ms else delay_ms

    def bound_ms(self, now_ms: float) -> float:
        """How long the try that begins now may take."""
        return max(0.0, min(TRY_BOUND_MS, self.lost_ms + self.grace_ms - now_ms))
