"""What is told of a session at once: each answer with its latency, turn, verdict and prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.latency import Latency
from bargein.ledger.entries import Result
from bargein.speculation import Resolved


@dataclass(frozen=True, slots=True)
class Answered:
    """The user heard the first sound of the answer to what was said."""

    turn: int
    """Its number in the session."""
    latency: Latency
    speculated: bool = False
    """The answer had been begun before the turn was over."""
    saved_ms: float = 0


class Reporter:
    """Hears of what is over, and forgets it; what is built on it may neither raise nor take long.

    Nothing that anybody said is told here.
    """

    def answered(self, answered: Answered) -> None:
        """An answer is heard."""

    def turn_ended(self, ended_by: EndedBy, *, has_words: bool) -> None:
        """A turn of the user's is over; without words it was a misfire."""

    def judged(self, result: Result, reason: str) -> None:
        """A barge-in was accepted, rejected or interrupted; the reason of a rejection."""

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""

    def failed_over(self, failed_over: FailedOver) -> None:
        """A part has failed, and another one has taken over."""


class Reporters(Reporter):
    """Tells several, in their order."""

    def __init__(self, reporters: Iterable[Reporter]) -> None:
        """Tell these."""
        self._reporters = tuple(reporters)

    def answered(self, answered: Answered) -> None:
        """An answer is heard."""
        for each in self._reporters:
            each.answered(answered)

    def turn_ended(self, ended_by: EndedBy, *, has_words: bool) -> None:
        """A turn of the user's is over."""
        for each in self._reporters:
            each.turn_ended(ended_by, has_words=has_words)

    def judged(self, result: Result, reason: str) -> None:
        """A barge-in has its verdict."""
        for each in self._reporters:
            each.judged(result, reason)

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        for each in self._reporters:
            each.resolved(resolved)

    def failed_over(self, failed_over: FailedOver) -> None:
        """Another part has taken over."""
        for each in self._reporters:
            each.failed_over(failed_over)
