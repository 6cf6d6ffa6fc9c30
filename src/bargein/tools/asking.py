"""One question after another: which call is asked for, how far its question is, and what counts.

Only what the user began to say after the question began to sound is an answer. A question is asked
twice at most.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from bargein.tools.confirmation import Answer, understood
from bargein.tools.in_flight import Call

MOST_TIMES = 2


class Phase(Enum):
    """How far the question is."""

    NONE = auto()
    """None is open; the next may be asked."""
    SAID = auto()
    """It is on its way to the voice."""
    SOUNDS = auto()
    """The user hears it."""
    DUE = auto()
    """It was heard to its end, or cut off: the answer is awaited."""


OPEN = (Phase.SOUNDS, Phase.DUE)
"""What the user says now is the answer."""


@dataclass(slots=True)
class Asking:
    """The calls that wait for a yes, the first of them asked for."""

    waiting: deque[Call] = field(default_factory=deque)
    phase: Phase = Phase.NONE
    times: int = 0
    sounded_ms: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the user has begun to hear a question that has no answer yet."""
        return self.phase in OPEN

    @property
    def next(self) -> Call | None:
        """Give the call whose question may be said now."""
        return self.waiting[0] if self.waiting and self.phase is Phase.NONE else None

    def say(self) -> None:
        """The question goes to the voice."""
        self.phase = Phase.SAID
        self.times += 1

    def bot_started(self, now_ms: float) -> bool:
        """The bot can be heard; whether it is the question, and for the first time."""
        is_first = self.phase is Phase.SAID
        if is_first:
            self.sounded_ms = now_ms
        if self.phase in (Phase.SAID, Phase.DUE):
            self.phase = Phase.SOUNDS
        return is_first

    def bot_ended(self) -> None:
        """It can't be heard any more: it was heard to its end, or cut off."""
        if self.phase is Phase.SOUNDS:
            self.phase = Phase.DUE

    def answer(self, text: str, began_ms: float) -> Answer | None:
        """Understand a turn of the user's; None if it is no answer to anything."""
        if not self.is_open or began_ms < self.sounded_ms:
            return None
        answer = understood(text)
        if answer is Answer.AGAIN and self.times >= MOST_TIMES:
            return Answer.OTHER
        return answer

    def ask_again(self) -> None:
        """The same question is to be said once more."""
        self.phase = Phase.NONE

    def close(self) -> Call:
        """The question has its answer: gives the call."""
        self.phase, self.times = Phase.NONE, 0
        return self.waiting.popleft()

    def drop(self, calls: list[Call]) -> None:
        """These are not asked for any more."""
        if self.waiting and self.waiting[0] in calls:
            self.phase, self.times = Phase.NONE, 0
        self.waiting = deque(call for call in self.waiting if call not in calls)
