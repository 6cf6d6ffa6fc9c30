"""The calls of a session that were admitted and are not told to the LLM yet, and when they are.

A result is told when the bot may answer it: nobody speaks, no verdict is open, no other reply is
being made, and no other call of the same reply is still at work. What the user said meanwhile is
answered first, with all results that are there by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bargein.floor import Floor
from bargein.tools.keywords import Json
from bargein.tools.tool import OnInterruption, Tool

FREE = (Floor.IDLE, Floor.PROCESSING, Floor.SPEAKING)
"""The user does not speak, and may not be about to."""


@dataclass(slots=True, eq=False)
class Call:
    """A call that was admitted."""

    call_id: str
    tool: Tool
    arguments: dict[str, Json]
    is_asking: bool = False
    """It waits for the user's yes."""
    is_behind: bool = False
    """The user took the floor since it began: nobody waits for it in silence."""
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What the LLM has yet to be told."""

    call_id: str
    """As it stands in the context."""
    name: str
    arguments: Json
    content: str
    is_behind: bool = False
    wants_reply: bool = True
    """Whether the LLM is asked to go on; else it reads it in its next turn."""


@dataclass(frozen=True, slots=True)
class BotAt:
    """What the bot is at."""

    reply_open: bool
    """A reply is being made."""
    pending: bool
    """Something of its voice has not been heard yet."""
    only_filler: bool = False
    """And that is nothing but what was said to fill the time."""


@dataclass(slots=True)
class CallsInFlight:
    """What runs, and what is done and not told."""

    open: dict[str, Call] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    asked: bool = False
    """The LLM was asked to go on, and has not begun."""
    question_sounds: bool = False
    """The user was asked for a yes, aloud, and the answer is due."""

    @property
    def busy(self) -> bool:
        """Whether anything is under way: no reply is prepared then."""
        return bool(self.open or self.done or self.asked)

    @property
    def works(self) -> bool:
        """Whether a call is at work for which everybody waits."""
        return any(not call.is_behind for call in self.open.values())

    @property
    def owes(self) -> bool:
        """Whether more of the reply is to come, though the bot is silent."""
        if self.question_sounds:
            return False
        return self.works or self.asked or any(not done.is_behind for done in self.done)

    def settle(self, call: Call, content: str) -> None:
        """A call has come to something."""
        self.open.pop(call.call_id, None)
        if not call.is_cancelled:
            done = Done(call.call_id, call.tool.name, call.arguments, content, call.is_behind)
            self.done.append(done)

    def interrupted(self) -> list[Call]:
        """The user has the floor: gives the calls that end now.

        What the user says over a question is its answer, and ends nothing.
        """
        self.asked = False
        if self.question_sounds:
            return []
        return self._pass_behind()

    def turn_over(self, *, is_answered: bool = False) -> tuple[list[Call], list[Done]]:
        """What the user said is about to be answered: gives what ends, and what is told before.

        Where the reply is there already nothing can be told before it.
        """
        self.asked = False
        ended = self._pass_behind()
        if is_answered:
            return ended, []
        told, self.done = self.done, []
        return ended, told

    def may_tell(self, floor: Floor, bot: BotAt) -> bool:
        """Whether the LLM may be told now, and asked to go on."""
        if not self.done or self.works or self.asked or floor not in FREE:
            return False
        if bot.reply_open or (bot.pending and not bot.only_filler):
            return False
        # A reply that is prepared while nobody waits for these is one to the user's words.
        return floor is Floor.IDLE or any(not done.is_behind for done in self.done)

    def tell(self) -> tuple[list[Done], bool]:
        """Give what is told now, and whether the LLM is asked to go on."""
        told, self.done = self.done, []
        self.asked = any(done.wants_reply for done in told)
        return told, self.asked

    def close(self) -> list[Call]:
        """Nobody will say yes any more: gives the calls that waited for that."""
        return self._end([call for call in self.open.values() if call.is_asking])

    def _end(self, calls: list[Call]) -> list[Call]:
        for call in calls:
            call.is_cancelled = True
            del self.open[call.call_id]
        return calls

    def _pass_behind(self) -> list[Call]:
        """End what may be cancelled, or was never confirmed; the rest goes on behind."""
        ended = self._end([call for call in self.open.values() if _ends(call)])
        for call in self.open.values():
            call.is_behind = True
        self.done = [_behind(done) for done in self.done]
        return ended


def _ends(call: Call) -> bool:
    return call.is_asking or call.tool.on_interruption is OnInterruption.CANCEL


def _behind(done: Done) -> Done:
    return Done(done.call_id, done.name, done.arguments, done.content, True, done.wants_reply)
