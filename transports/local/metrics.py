"""What the sessions of a room did, counted for Prometheus; a registry of its own for each room.

Labels are words of this program, or names of parts in the configuration, so there are few of them,
and nothing that anybody said.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.latency import Stage
from bargein.ledger.entries import Result
from bargein.ledger.reporter import Answered, Reporter
from bargein.speculation import Outcome, Resolved

MS_PER_S = 1000
RESPONSE_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
"""The goals of the project, 0.3 and 0.6 s, are bounds; beyond 5 s nobody waits."""
STAGE_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 4.0)
NO_REASON = "none"


class RoomMetrics(Reporter):
    """Hears of all sessions, and is read at `/metrics`."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, sessions: Callable[[], int]) -> None:
        """Begin at zero; `sessions` gives how many are open."""
        self.registry = CollectorRegistry()
        self._response = Histogram(
            "bargein_response_seconds",
            "From the end of the user's speech to the first audio heard of the answer.",
            registry=self.registry,
            buckets=RESPONSE_S,
        )
        self._stages = Histogram(
            "bargein_response_stage_seconds",
            "What each stage added to the response; the sums add up to that of the response.",
            ["stage"],
            registry=self.registry,
            buckets=STAGE_S,
        )
        self._turns = self._counter(
            "bargein_turns", "Turns of users', by what ended them.", "ended_by", "words"
        )
        self._barge_ins = self._counter(
            "bargein_barge_ins", "Barge-ins, by their verdict.", "verdict", "reason"
        )
        self._predictions = self._counter(
            "bargein_predictions",
            "Replies that were begun before the turn was over, by what became of them.",
            "outcome",
        )
        self._tokens = self._counter(
            "bargein_prediction_tokens", "Tokens of the LLM for these replies.", "kind"
        )
        self._wasted = self._counter(
            "bargein_wasted_tokens", "Tokens for such replies that nobody heard."
        )
        self._saved = self._counter(
            "bargein_saved_seconds", "How much sooner answers were there thanks to such replies."
        )
        self._fail_overs = self._counter(
            "bargein_fail_overs",
            "Parts that failed, and who took over; names as in the configuration.",
            "failed",
            "took_over",
            "cause",
        )
        for stage in Stage:
            self._stages.labels(stage)
        for outcome in Outcome:
            self._predictions.labels(outcome)
        gauge = Gauge("bargein_sessions", "Sessions that are open.", registry=self.registry)
        gauge.set_function(sessions)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def answered(self, answered: Answered) -> None:
        """An answer is heard."""
        self._response.observe(answered.latency.total_ms / MS_PER_S)
        for stage, added_ms in answered.latency.added_ms.items():
            self._stages.labels(stage).observe(added_ms / MS_PER_S)

    def turn_ended(self, ended_by: EndedBy, *, has_words: bool) -> None:
        """A turn is over."""
        self._turns.labels(ended_by, "yes" if has_words else "no").inc()

    def judged(self, result: Result, reason: str) -> None:
        """A barge-in has its verdict."""
        self._barge_ins.labels(result, reason or NO_REASON).inc()

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self._predictions.labels(resolved.outcome).inc()
        self._tokens.labels("prompt").inc(resolved.prompt_tokens)
        self._tokens.labels("completion").inc(resolved.completion_tokens)
        self._wasted.inc(resolved.wasted_tokens)
        self._saved.inc(max(0.0, resolved.saved_ms) / MS_PER_S)

    def failed_over(self, failed_over: FailedOver) -> None:
        """A part has failed, and another one has taken over."""
        self._fail_overs.labels(failed_over.failed, failed_over.took_over, failed_over.cause).inc()

    def text(self) -> bytes:
        """Give all of it in the format of Prometheus."""
        return generate_latest(self.registry)
