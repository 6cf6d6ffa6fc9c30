"""Asks the user aloud before a call that needs a yes, and waits for the answer.

The plug of `asking.py`, with the times; what the words mean says `confirmation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from bargein.floor import Floor
from bargein.processors.clock import Clock, Timer
from bargein.tools.asking import Asking, Phase
from bargein.tools.confirmation import Answer
from bargein.tools.in_flight import Call
from bargein.tools.proposal import Code, Refusal
from bargein.tools.question import asked

CONFIRM_WITHIN_MS = 15_000
SOUNDS_WITHIN_MS = 10_000
"""A question of which nothing is heard by then is not asked any more: the voice has failed."""
LOOK_AGAIN_MS = 1_000
"""Time is up, but somebody speaks: what is said now may be the answer."""
SPEAKING = (Floor.LISTENING, Floor.CONTESTED, Floor.SPEAKING)
QUIET = (Floor.IDLE, Floor.PROCESSING)
DECLINED = Refusal(
    Code.NOT_CONFIRMED, "The user did not say yes, so nothing was done. Answer what was said."
)
NO_ANSWER = Refusal(
    Code.NOT_CONFIRMED, "The user gave no answer in time, so nothing was done. Say so briefly."
)
NOT_ASKED = Refusal(Code.UNAVAILABLE, "The user could not be asked, so nothing was done.")


class Speaker(Protocol):
    """Who makes the bot speak; implemented by the interruption plug."""

    @property
    def floor(self) -> Floor:
        """Who has the floor."""

    def say(self, text: str) -> None:
        """Say this, behind what is being said."""

    def heed_murmurs(self, *, on: bool) -> None:
        """Whether a word like "yes" takes the floor from the bot, which it does not otherwise."""


class Asker(Protocol):
    """Whose calls they are; implemented by `ToolCalls`."""

    def declined(self, call: Call, refusal: Refusal) -> None:
        """It may not run."""

    def asking(self, *, is_open: bool) -> None:
        """Whether the user hears a question, or has heard it, and the answer is due."""


@dataclass(slots=True, eq=False, repr=False)
class Questions:
    """The questions of a session, one after another."""

    asker: Asker
    clock: Clock
    within_ms: float = CONFIRM_WITHIN_MS
    speaker: Speaker | None = None
    _asking: Asking = field(default_factory=Asking)
    _timer: Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether the user's next words are the answer."""
        return self._asking.is_open

    @property
    def waits(self) -> bool:
        """Whether any call waits to be asked for, or for its answer."""
        return bool(self._asking.waiting)

    def add(self, call: Call) -> None:
        """Ask for this one, behind those that wait."""
        self._asking.waiting.append(call)

    def ask_next(self) -> bool:
        """Say the next question, if there is one; the bot is silent, and so is the user."""
        call = self._asking.next
        if call is None or self.speaker is None or self.speaker.floor not in QUIET:
            return False
        self._asking.say()
        self._wait(SOUNDS_WITHIN_MS)
        self.speaker.say(asked(call.tool.question, call.arguments))
        return True

    def preceded(self) -> None:
        """A reply comes to the voice: if it is in front of a question, that is asked behind it."""
        if self._asking.phase is Phase.SAID:
            self._asking.phase = Phase.NONE
            self._stop_waiting()

    def bot_started(self) -> None:
        """The bot can be heard."""
        self._asking.bot_started(self.clock.now_ms())
        self._tell()

    def bot_ended(self) -> None:
        """The bot is silent again."""
        self._asking.bot_ended()
        if self._asking.phase is Phase.DUE:
            self._wait(self.within_ms)

    def interrupted(self, *, heard: bool) -> None:
        """The user took the floor; whether a word of the question was heard by then."""
        if heard:
            self.bot_ended()
        elif self._asking.phase is not Phase.DUE and self._asking.waiting:
            # What the user says now was no answer yet.
            self._asking.phase = Phase.NONE
            self._stop_waiting()
        self._tell()

    def answer(self, text: str, began_ms: float) -> tuple[Answer, Call] | None:
        """Take a turn of the user's; None if it is no answer. Gives what it says, of which call.

        Asked again is the same call; for any other answer its question is closed.
        """
        answer = self._asking.answer(text, began_ms)
        if answer is None:
            return None
        self._stop_waiting()
        if answer is Answer.AGAIN:
            call = self._asking.waiting[0]
            self._asking.ask_again()
        else:
            call = self._asking.close()
        self._tell()
        return answer, call

    def drop(self, calls: list[Call]) -> None:
        """Ask for none of these any more."""
        self._asking.drop(calls)
        if self._asking.phase is Phase.NONE:
            self._stop_waiting()
        self._tell()

    def close(self) -> None:
        """The conversation is over."""
        self._stop_waiting()

    def _tell(self) -> None:
        self.asker.asking(is_open=self.is_open)
        if self.speaker:
            self.speaker.heed_murmurs(on=self.is_open)

    def _wait(self, for_ms: float) -> None:
        self._stop_waiting()
        self._timer = self.clock.call_later(for_ms, self._overdue)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _overdue(self) -> None:
        if self.is_open and self.speaker and self.speaker.floor in SPEAKING:
            self._wait(LOOK_AGAIN_MS)
            return
        refusal = NO_ANSWER if self.is_open else NOT_ASKED
        call = self._asking.close()
        self._stop_waiting()
        self._tell()
        self.asker.declined(call, refusal)
