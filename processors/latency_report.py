"""Tells the client how long each answer took, and what took it; the page shows it."""

from __future__ import annotations

from bargein.ledger.reporter import Answered, Reporter
from bargein.processors.wire import Wire
from bargein.protocol import Latency, StageLatency
from bargein.speculation import Counts, Outcome, Resolved


class LatencyReport(Reporter):
    """Counts predictions, and tells of each answer."""

    def __init__(self) -> None:
        """Begin with nothing; a wire to the client comes with `attach`."""
        self._counts = Counts()
        self._wire: Wire | None = None

    def attach(self, wire: Wire) -> None:
        """Connect it with the client; called once, before anything happens."""
        self._wire = wire

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self._counts.add(resolved)

    def answered(self, answered: Answered) -> None:
        """An answer is heard."""
        if self._wire is None:
            return
        stages = answered.latency.added_ms.items()
        self._wire.send(
            Latency(
                turn=answered.turn,
                total_ms=answered.latency.total_ms,
                stages=tuple(StageLatency(stage=stage, added_ms=ms) for stage, ms in stages),
                speculated=answered.speculated,
                saved_ms=answered.saved_ms,
                predictions=self._counts.predictions,
                confirmed=self._counts.outcomes.get(Outcome.CONFIRMED, 0),
            )
        )
