"""What a script replies to a whole context: to the user's words, and to what the tools gave.

It is worked out anew from the context each time. So a reply that is cut short, or dropped before
it was said, changes nothing, and a result whose answer nobody heard is told again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bargein.conversation import Conversation, Reply, Waiting
from bargein.script import Script
from bargein.script_calls import Call, Outcome
from bargein.tools.confirmation import Answer, understood

TOLD_WORDS = 3
"""An answer of which so many words were heard, or all if it has fewer, has been told."""


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A message of the user's."""

    text: str


@dataclass(frozen=True, slots=True)
class BotSaid:
    """A message of the bot's, as far as it was heard."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was made; while there is no `Finished` for it, it runs.

    It may stand far behind the words that it was made for: a result is told where it came.
    """

    call_id: str
    tool: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Finished:
    """What a call came to."""

    call_id: str
    outcome: Outcome


Event: TypeAlias = UserSaid | BotSaid | Called | Finished


def reply_to(script: Script, events: Iterable[Event]) -> Reply:
    """Reply to a context: to the user's last words, and to all results not told yet.

    Without any words of the user's it is the greeting.
    """
    told = list(events)
    made = [event for event in told if isinstance(event, Called)]
    history = _History(Conversation(script), made, Reply(script.greeting))
    for event in told:
        history.take(event)
    return history.reply()


@dataclass(slots=True)
class _Group:
    """The calls of one reply, and what has become of them."""

    waiting: Waiting
    ids: list[str]
    """Of the calls, in their order."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def finished(self) -> list[Outcome] | None:
        """Give all outcomes in the order of the calls, or None while one is missing."""
        outcomes = [self.outcomes.get(call_id) for call_id in self.ids]
        complete = [outcome for outcome in outcomes if outcome is not None]
        return complete if len(complete) == len(outcomes) else None


@dataclass(slots=True)
class _History:
    talk: Conversation
    made: list[Called]
    """Calls that are not taken for any words yet."""
    answer: Reply
    """To the user's last words."""
    is_said: bool = False
    """The bot has spoken since."""
    is_called: bool = False
    """Its calls were made."""
    has_asked: bool = False
    """The bot's last words were a question."""
    groups: list[_Group] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        match event:
            case UserSaid(text):
                self._hear(text)
            case BotSaid(text):
                self.is_said, self.has_asked = True, text.rstrip().endswith("?")
                self.untold = [each for each in self.untold if not _tells(text, each)]
            case Called():
                pass  # looked up when the words were heard that it was made for
            case Finished(call_id, outcome):
                self._finish(call_id, outcome)

    def reply(self) -> Reply:
        told = " ".join(self.untold)
        if self.is_called or (told and self.is_said and not self.answer.waiting):
            return Reply(told)
        return Reply(f"{self.answer.text} {told}".strip(), self.answer.waiting)

    def _hear(self, text: str) -> None:
        if (self.groups or self.untold) and self._is_about_a_call(text):
            return  # the bot has asked whether it may: its own question, and no topic of the script
        self.answer = self.talk.answer(text)
        self.is_said = self.is_called = False
        waiting = self.answer.waiting
        made = [self._call_of(call) for call in self.answer.calls]
        if waiting and any(made):
            # Calls that were never made, because their reply was cut off, are not waited for.
            self.is_called = True
            self.groups.append(_Group(waiting, [each.call_id if each else "" for each in made]))

    def _is_about_a_call(self, text: str) -> bool:
        meant = understood(text)
        return meant in (Answer.YES, Answer.NO) or (meant is Answer.AGAIN and self.has_asked)

    def _call_of(self, call: Call) -> Called | None:
        for each in self.made:
            if each.tool == call.tool and each.arguments == call.arguments:
                self.made.remove(each)
                return each
        return None

    def _finish(self, call_id: str, outcome: Outcome) -> None:
        for group in self.groups:
            if call_id in group.ids:
                group.outcomes[call_id] = outcome
                if outcomes := group.finished():
                    self.groups.remove(group)
                    self._tell(self.talk.finish(group.waiting, outcomes))
                return

    def _tell(self, text: str) -> None:
        if text:
            self.untold.append(text)


def _tells(heard: str, answer: str) -> bool:
    words = answer.split()[:TOLD_WORDS]
    return " ".join(words) in " ".join(heard.split())
