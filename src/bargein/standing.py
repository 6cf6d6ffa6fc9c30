"""Partial words that stood for the final transcript, until it comes; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from bargein.matching import MatchPolicy


class Stood(Enum):
    """What a final transcript is that comes after its turn has ended."""

    UNRELATED = auto()
    """No partial words wait for one."""
    PART = auto()
    """The beginning of what stood for it; more is to come."""
    SAME = auto()
    """What stood for it."""
    OTHER = auto()
    """Not what stood for it: the reply was to other words."""


@dataclass(slots=True)
class Standing:
    """The words that wait for their final transcript, and what of it has come."""

    policy: MatchPolicy = field(default_factory=MatchPolicy)
    late: str = ""
    """The final transcripts so far."""
    _partial: str = ""
    _more_speech: bool = False

    def stand(self, partial: str) -> None:
        """A turn has ended on these words."""
        self._partial, self.late, self._more_speech = partial, "", False

    def speech_began(self) -> None:
        """What comes now may be of other speech: only the very same words are still expected."""
        self._more_speech = True

    def forget(self) -> None:
        """No final transcript of them will come any more."""
        self._partial = self.late = ""

    def hear(self, final: str, *, complete: bool) -> Stood:
        """A final transcript has come; `complete` if it is the last of its speech."""
        if not self._partial:
            return Stood.UNRELATED
        self.late = f"{self.late} {final}".strip()
        if self.policy.same(self._partial, self.late):
            self._partial = ""
            return Stood.SAME
        if self._more_speech:
            return Stood.UNRELATED
        if not complete and self.policy.begins(self._partial, self.late):
            return Stood.PART
        self._partial = ""
        return Stood.OTHER
