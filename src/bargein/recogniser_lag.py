"""How long after the end of speech a recogniser's partial words are all there; learnt, pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

UNKNOWN_MS = 300.0
"""Before anything was learnt: later than the finals of most services."""
MARGIN_MS = 24.0
"""What two turns of one talker differ by: less than a window of the microphone."""
REMEMBERED = 6
ENOUGH = 3
"""Of so many turns one may be late without a rule being made of it: where a voice fades away,
speech is said to end before its last word does."""
LONGEST_MS = 500.0
"""Whoever is slower has its final transcript first: one that was very late is no rule."""


@dataclass(slots=True)
class RecogniserLag:
    """Remembers the last few turns, and trusts the slowest, but for one that is alone."""

    _lags_ms: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def note(self, lag_ms: float) -> None:
        """In this turn the words were complete so long after the last speech."""
        self._lags_ms.append(min(LONGEST_MS, max(0.0, lag_ms)))

    @property
    def settled_ms(self) -> float:
        """After so much silence no more words are to be expected."""
        slowest_first = sorted(self._lags_ms, reverse=True)
        if not slowest_first:
            return UNKNOWN_MS
        return slowest_first[len(slowest_first) >= ENOUGH] + MARGIN_MS
