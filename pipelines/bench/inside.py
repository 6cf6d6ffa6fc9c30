"""What one conversation of the bench was like inside the bot: stages, and predictions."""

from __future__ import annotations

from typing import Any

from bargein.ledger.reporter import Answered, Reporter
from bargein.speculation import Counts, Outcome, Resolved


class Inside(Reporter):
    """Hears of the answer to what the user said over the bot."""

    def __init__(self) -> None:
        """Begin with nothing answered."""
        self._answered: Answered | None = None
        self._counts = Counts()

    def answered(self, answered: Answered) -> None:
        """An answer is heard; of several the first counts."""
        self._answered = self._answered or answered

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self._counts.add(resolved)

    def seen(self) -> dict[str, Any]:
        """Give it as fields of an encounter."""
        confirmed = self._counts.outcomes.get(Outcome.CONFIRMED, 0)
        return {
            "added_ms": dict(self._answered.latency.added_ms) if self._answered else {},
            "confirmed": confirmed,
            "wasted_calls": self._counts.predictions - confirmed,
            "wasted_tokens": self._counts.wasted_tokens,
            "saved_ms": self._counts.saved_ms,
        }
