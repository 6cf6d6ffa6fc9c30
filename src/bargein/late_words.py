"""What a final transcript is that comes behind another one of the same speech; pure.

Recognisers say a thing twice, take a word back, or send the last word when the turn is over.
What is said anew is known by the speech that was heard before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from bargein.matching import MatchPolicy

LATE_MS = 1_000
"""Words that come so long after the end of a turn, and no speech before them, belong to it."""


class Late(Enum):
    """What it is."""

    NEW = auto()
    """Words of its own."""
    AGAIN = auto()
    """The same words once more."""
    LONGER = auto()
    """The same words, and some behind them."""
    MORE = auto()
    """Words that the turn, which is over, was left without."""


@dataclass(slots=True)
class LateWords:
    """Follows the final transcripts, and what is heard between them."""

    policy: MatchPolicy = field(default_factory=MatchPolicy)
    turn: str = ""
    """What was written of the turn that is over; empty while one is open."""
    _last: str = ""
    _speeches: int = 0
    """So often speech began for which no final transcript has come."""
    _guessed: bool = False
    """Partial words have come since the last final ones."""
    _since_ms: float = 0
    """Audio since the turn was over."""

    def speech_began(self) -> None:
        """The user speaks."""
        self._speeches += 1

    def guess(self) -> None:
        """Partial words have come."""
        self._guessed = True

    def note(self, final: str) -> None:
        """A final transcript counts."""
        self._last, self._guessed = final, False
        self._speeches = max(0, self._speeches - 1)

    def turn_opened(self) -> None:
        """What comes now belongs to it."""
        self.turn = self._last = ""
        # Of sounds before the one that opened it no words will come: they were no turns.
        self._speeches = min(self._speeches, 1)

    def turn_over(self, written: str) -> None:
        """These are the words of the turn."""
        self.turn, self._since_ms = written, 0.0

    def pass_audio(self, duration_ms: float) -> None:
        """So much of the microphone has come."""
        self._since_ms += duration_ms

    def judge(self, final: str) -> Late:
        """Tell what this is."""
        words, last = self.policy.words(final), self.policy.words(self._last)
        if self._speeches or not words:
            return Late.NEW
        if last and (self.turn or not self._guessed):
            if words in (last, self.policy.words(self.turn)):
                return Late.AGAIN
            if words[: len(last)] == last:
                return Late.LONGER
        return Late.MORE if self.turn and self._since_ms <= LATE_MS else Late.NEW

    def whole(self, final: str, late: Late) -> str:
        """All words of the turn, with these."""
        if late is Late.LONGER and self.turn.endswith(self._last):
            return f"{self.turn.removesuffix(self._last)}{final}".strip()
        return f"{self.turn} {self.rest(final) if late is Late.LONGER else final}".strip()

    def rest(self, longer: str) -> str:
        """What stands behind the words that came before."""
        last, words = self.policy.words(self._last), longer.split()
        for end in range(1, len(words)):
            if self.policy.words(" ".join(words[:end])) == last:
                return " ".join(words[end:])
        return longer
