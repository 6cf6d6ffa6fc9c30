"""The words for replies that are prepared while the user still speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Because(StrEnum):
    """Why a transcript was taken for complete before the turn was over."""

    PAUSE = "pause"
    """The user had fallen silent when the words came, or since."""
    STABLE = "stable"
    """The words had not changed for a while."""
    PUNCTUATION = "punctuation"
    """The recogniser ended a sentence behind them."""
    EAGER = "eager"
    """The recogniser itself predicts the end of the turn."""


class Outcome(StrEnum):
    """What became of a prediction."""

    CONFIRMED = "confirmed"
    """The turn ended with these words: the reply is said."""
    OTHER_WORDS = "other_words"
    """Other words came."""
    CONTEXT_CHANGED = "context_changed"
    """Something else was written to the context: the reply was made without it."""
    EXPIRED = "expired"
    """The turn went on for too long without a change."""
    ABANDONED = "abandoned"
    """The turn ended without words, or somebody else made the bot speak or fall silent."""
    FAILED = "failed"
    """The reply could not be made."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A reply that is begun on these words while the turn is still open."""

    number: int
    """Counted from 1 in each session."""
    text: str
    at_ms: float
    """The server's monotonic clock."""
    because: Because


@dataclass(frozen=True, slots=True)
class Resolved:
    """A prediction that is over."""

    prediction: Prediction
    outcome: Outcome
    at_ms: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tokens_estimated: bool = True
    """Counted by length: the LLM's service did not say."""
    tool_calls: int = 0
    """Withheld until the turn was confirmed; of a dropped reply they never ran."""
    saved_ms: float = 0
    """How much sooner its first audio was there than if it had been begun at the confirmation."""

    @property
    def wasted_tokens(self) -> int:
        """What was paid for nothing."""
        if self.outcome is Outcome.CONFIRMED:
            return 0
        return self.prompt_tokens + self.completion_tokens


@dataclass(slots=True)
class Counts:
    """What speculation has done in a session so far."""

    outcomes: dict[Outcome, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    wasted_tokens: int = 0
    tool_calls: int = 0
    saved_ms: float = 0

    @property
    def predictions(self) -> int:
        """How many are over."""
        return sum(self.outcomes.values())

    @property
    def hit_rate(self) -> float | None:
        """The share that was confirmed; None before the first is over."""
        return self.outcomes.get(Outcome.CONFIRMED, 0) / self.predictions if self.outcomes else None

    def add(self, resolved: Resolved) -> None:
        """Count one more."""
        self.outcomes[resolved.outcome] = self.outcomes.get(resolved.outcome, 0) + 1
        self.prompt_tokens += resolved.prompt_tokens
        self.completion_tokens += resolved.completion_tokens
        self.wasted_tokens += resolved.wasted_tokens
        self.tool_calls += resolved.tool_calls
        self.saved_ms += resolved.saved_ms
