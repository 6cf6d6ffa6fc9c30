"""What the arbiter was told lately, so that a record can begin before its barge-in did."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MICROPHONE = frozenset(
    {"window", "speech_started", "speech_stopped", "words", "client_speech_ended"}
)
"""What goes on whatever the verdict is: the user's sound, not what the bot makes of it."""
LEAD_MS = 500
"""A record begins at least so long before its barge-in."""
REMEMBERED_MS = 3_000
"""And at most so long, if the user was speaking all that time."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that the arbiter was told, and the arbiter's state before it."""

    at_ms: float
    name: str
    facts: Mapping[str, Any]
    standing: Mapping[str, Any]

    @property
    def silent(self) -> bool:
        """A window with no speech before it: a good place for a record to begin."""
        return self.name == "window" and not self.facts.get("speech_ms")


@dataclass(slots=True)
class Past:
    """Bounded by time; what came before the last verdict belongs to that."""

    remembered: deque[Told] = field(default_factory=deque)

    def take(self, told: Told) -> None:
        """Remember, and forget what is too old."""
        self.remembered.append(told)
        while told.at_ms - self.remembered[0].at_ms > REMEMBERED_MS:
            self.remembered.popleft()

    def forget(self) -> None:
        """A verdict fell: a record that began before it would hold the same contest again."""
        self.remembered.clear()

    def before(self, opened_ms: float) -> list[Told]:
        """All since the silence before the speech that opened it, its opening included."""
        told = list(self.remembered)
        early = [n for n, each in enumerate(told) if each.at_ms <= opened_ms - LEAD_MS]
        begin = next((n for n in reversed(early) if told[n].silent), 0)
        return told[begin:]
