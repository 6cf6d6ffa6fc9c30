"""The client's side of a contest for the floor: one attempt at a time, from mute to verdict.

It takes what happened and the time in ms, and returns what to do. An open attempt always
ends: by a verdict, by the loss of the connection, or by its own bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from bargein.client.events import Phase, VerdictHeard
from bargein.protocol import TRUNCATE_REPEAT_MS, Truncate

REPEAT_CONTESTED_MS = 500
"""While the verdict is open, in case the verdict was lost."""
VERDICT_BOUND_MS = 3000
"""No verdict for this long: it is lost, and the bot plays on."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when a truncate is sent."""

    played: int
    probability: float
    window_index: int
    noise_floor_db: float


@dataclass(slots=True)
class Attempt:
    """One attempt at the floor."""

    number: int
    utterance: int
    at_sample: int
    detected: bool
    """The client's own VAD fired; else the server asked for it."""
    begun_ms: float
    sent_ms: float
    contested: bool = False
    """The server has paused."""

    def told(self, phase: Phase, now_ms: float) -> VerdictHeard:
        """As an event."""
        return VerdictHeard(
            at_ms=now_ms,
            phase=phase,
            attempt=self.number,
            utterance=self.utterance,
            at_sample=self.at_sample,
            detected=self.detected,
            since_ms=now_ms - self.begun_ms,
        )


class Contest:
    """Holds the open attempt."""

    def __init__(self) -> None:
        """No attempt was made yet."""
        self.open: Attempt | None = None
        self.last_utterance: int | None = None
        """The last one that was contested: it is contested but once without a new onset."""
        self._attempts = 0

    def begin(
        self, utterance: int, evidence: Evidence, now_ms: float, *, detected: bool
    ) -> Truncate:
        """Somebody spoke over the bot; in an open attempt it is new evidence."""
        if self.open is None:
            self._attempts += 1
            self.last_utterance = utterance
            self.open = Attempt(
                self._attempts, utterance, evidence.played, detected, now_ms, now_ms
            )
        return self._truncate(self.open, evidence, now_ms)

    def close(self) -> Attempt | None:
        """The attempt is over; gives it, if one was open."""
        attempt, self.open = self.open, None
        return attempt

    def is_lost(self, now_ms: float) -> bool:
        """Whether the verdict has stayed away for too long."""
        return self.open is not None and now_ms - self.open.begun_ms >= VERDICT_BOUND_MS

    def repeat(self, evidence: Evidence, now_ms: float) -> Truncate | None:
        """Time passes; gives the truncate to send again if it is time for it."""
        if self.open is None:
            return None
        every_ms = REPEAT_CONTESTED_MS if self.open.contested else TRUNCATE_REPEAT_MS
        if now_ms - self.open.sent_ms < every_ms:
            return None
        return self._truncate(self.open, evidence, now_ms)

    def _truncate(self, attempt: Attempt, evidence: Evidence, now_ms: float) -> Truncate:
        attempt.sent_ms = now_ms
        attempt.at_sample = evidence.played
        return Truncate(
            utterance=attempt.utterance,
            played_samples=evidence.played,
            probability=evidence.probability,
            window_index=evidence.window_index,
            noise_floor_db=evidence.noise_floor_db,
            detected=attempt.detected,
            clock_ms=now_ms,
            age_ms=now_ms - attempt.begun_ms,
        )
