"""Counts what a session did; its last line in the ledger, and the page, tell the figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.ledger.entries import Result
from bargein.ledger.reporter import Answered, Reporter
from bargein.measure.figures import percentile
from bargein.speculation import Counts, Resolved


@dataclass(slots=True)
class Tally(Reporter):
    """Everything so far."""

    turns: int = 0
    """With words."""
    misfires: int = 0
    barge_ins: Counter[Result] = field(default_factory=Counter)
    responses_ms: list[float] = field(default_factory=list)
    """Of each answer that was heard; a number each turn."""
    speculation: Counts = field(default_factory=Counts)
    fail_overs: list[FailedOver] = field(default_factory=list)

    def answered(self, answered: Answered) -> None:
        """An answer is heard."""
        self.responses_ms.append(answered.latency.total_ms)

    def turn_ended(self, ended_by: EndedBy, *, has_words: bool) -> None:
        """A turn is over."""
        self.turns += has_words
        self.misfires += not has_words

    def judged(self, result: Result, reason: str) -> None:
        """A barge-in has its verdict."""
        self.barge_ins[result] += 1

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self.speculation.add(resolved)

    def failed_over(self, failed_over: FailedOver) -> None:
        """Another part has taken over."""
        self.fail_overs.append(failed_over)

    def response_ms(self, percent: int) -> float | None:
        """The response time that so many percent do not exceed; None before the first answer."""
        return percentile(self.responses_ms, percent) if self.responses_ms else None
