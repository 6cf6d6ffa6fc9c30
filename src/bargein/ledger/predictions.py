"""Keeps the stages of a reply that is begun while its turn is open, until its fate is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.latency import Stage
from bargein.ledger.entries import Predicted
from bargein.speculation import Outcome, Prediction, Resolved

BEFORE = {
    Stage.FIRST_CLAUSE: Stage.FIRST_TOKEN,
    Stage.FIRST_TTS_AUDIO: Stage.FIRST_CLAUSE,
}
"""What a reply must have come to first; the LLM of a prediction always writes text."""


@dataclass(slots=True, eq=False)
class Begun:
    """A prediction; times are the server's clock."""

    prediction: Prediction
    stages: dict[Stage, float] = field(default_factory=dict)
    """Nobody's, until it is confirmed; then the turn's."""
    resolved: Resolved | None = None

    def reach(self, stage: Stage, now_ms: float) -> None:
        """Its reply is at this stage; of a reply that was dropped before it, something may still
        be under way, and that is at a stage whose beginning this one has not seen.
        """
        before = BEFORE.get(stage)
        if before is None or before in self.stages:
            self.stages.setdefault(stage, now_ms)

    @property
    def confirmed(self) -> bool:
        """Whether its reply is the one that is said."""
        return self.resolved is not None and self.resolved.outcome is Outcome.CONFIRMED

    def entry(self, opened_ms: float) -> Predicted:
        """What the ledger says of it; its times count from the turn's line."""
        made, over = self.prediction, self.resolved
        told = Predicted(
            number=made.number,
            text=made.text,
            words=len(made.text.split()),
            at_ms=made.at_ms - opened_ms,
            because=made.because,
        )
        if over is None:
            return told
        return told.model_copy(
            update={
                "outcome": over.outcome,
                "resolved_ms": over.at_ms - opened_ms,
                "prompt_tokens": over.prompt_tokens,
                "completion_tokens": over.completion_tokens,
                "wasted_tokens": over.wasted_tokens,
                "tokens_estimated": over.tokens_estimated,
                "tool_calls": over.tool_calls,
                "saved_ms": over.saved_ms,
            }
        )


def under_way(predictions: list[Begun]) -> Begun | None:
    """Give the one whose reply is being made, if any: never two at once."""
    return next((each for each in reversed(predictions) if each.resolved is None), None)
