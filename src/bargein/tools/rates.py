"""Whether a tool is called too often: calls in any stretch of so long, not in fixed ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bargein.tools.tool import Rate


@dataclass(slots=True)
class Calls:
    """The calls of one tool, as far back as its rate asks."""

    rate: Rate
    _at_ms: deque[float] = field(default_factory=deque)

    def wait_ms(self, now_ms: float) -> float:
        """Say how long the next call has to wait; 0 if it may come now."""
        while self._at_ms and self._at_ms[0] <= now_ms - self.rate.per_ms:
            self._at_ms.popleft()
        if len(self._at_ms) < self.rate.calls:
            return 0.0
        return self._at_ms[0] + self.rate.per_ms - now_ms

    def count(self, now_ms: float) -> None:
        """Note a call."""
        self._at_ms.append(now_ms)
