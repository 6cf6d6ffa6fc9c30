"""What a scenario may expect: events with their bounds, texts, counts, and what must stay whole.

An expectation is a mapping with one key, which says what kind it is. Whether it holds is
decided in `expectations.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from bargein.floor import Floor
from bargein.protocol import Reason
from bargein.rehearsal.moments import What
from bargein.rehearsal.part import Part
from bargein.speculation import Outcome


class Event(Part):
    """The next event of its kind, and when it must come."""

    after: What | None = Field(
        default=None, description="What `within_ms` is measured from: the last such event before."
    )
    within_ms: float | None = Field(
        default=None, ge=0, description="At most so long after; without `after`, since the start."
    )
    at_least_ms: float | None = Field(default=None, ge=0, description="At least so long after.")
    utterance: int | None = Field(default=None, ge=1, description="Of this utterance only.")


class VerdictEvent(Event):
    """A rejected barge-in."""

    reason: Reason | None = Field(default=None, description="Why.")


class DroppedEvent(Event):
    """A prepared reply that is not said."""

    reason: Outcome | None = Field(default=None, description="Why.")


class ErrorEvent(Event):
    """An error that the client was told of."""

    code: str | None = Field(default=None, min_length=1, description="Which.")


class StateEvent(Event):
    """A state of the floor."""

    state: Floor = Field(description="Which.")


class Text(Part):
    """What a text must be like; case, and space between words, do not count."""

    text: str | None = Field(default=None, description="The whole text.")
    begins: str | None = Field(default=None, description="How it begins.")
    ends: str | None = Field(default=None, description="How it ends.")
    contains: str | None = Field(default=None, description="What stands in it.")

    def fits(self, text: str) -> bool:
        """Whether a text is like this."""
        given = plain(text)
        return (
            (self.text is None or given == plain(self.text))
            and given.startswith(plain(self.begins or ""))
            and given.endswith(plain(self.ends or ""))
            and plain(self.contains or "") in given
        )

    def __str__(self) -> str:
        """Say it in words."""
        said = [
            f"{name} {value!r}"
            for name, value in (
                ("is", self.text),
                ("begins with", self.begins),
                ("ends with", self.ends),
                ("contains", self.contains),
            )
            if value is not None
        ]
        return " and ".join(said) or "is any text"


class TranscriptEvent(Event, Text):
    """A final transcript, as the client is told."""

    def __str__(self) -> str:
        """Say it in words."""
        return Text.__str__(self)


class UtteranceText(Text):
    """A text of one utterance."""

    utterance: int = Field(ge=1, description="Which; the greeting is 1.")


class ContextMessage(Text):
    """A message of the LLM's context."""

    role: Literal["user", "assistant", "developer", "system", "tool"] = Field(
        description="Whose it is."
    )


Counts = dict[What, int]

EVENTS = (
    What.CONNECTED,
    What.DISCONNECTED,
    What.WELCOMED,
    What.DETECTED,
    What.MUTED,
    What.UNMUTED,
    What.CONTESTED,
    What.ACCEPTED,
    What.REJECTED,
    What.IGNORED,
    What.LOST,
    What.FLOOR,
    What.TRANSCRIPT,
    What.BOT_STARTED,
    What.BOT_STOPPED,
    What.UNDERRUN,
    What.THRESHOLD,
    What.ERROR,
    What.PREDICTED,
    What.CONFIRMED,
    What.DROPPED,
    What.ASKED,
    What.DISREGARDED,
)


class Expected(Part):
    """One expectation: exactly one of these keys."""

    connected: Event | None = Field(default=None, description="The client said hello.")
    disconnected: Event | None = Field(default=None, description="The connection was lost.")
    welcomed: Event | None = Field(default=None, description="The session is open.")
    detected: Event | None = Field(default=None, description="The client's VAD fired at the bot.")
    muted: Event | None = Field(default=None, description="The bot is silent for the user.")
    unmuted: Event | None = Field(default=None, description="The bot may be heard again.")
    contested: Event | None = Field(default=None, description="The client heard of the contest.")
    accepted: Event | None = Field(default=None, description="The user has the floor.")
    rejected: VerdictEvent | None = Field(default=None, description="It was nothing.")
    ignored: Event | None = Field(default=None, description="The truncate did not apply.")
    lost: Event | None = Field(default=None, description="The client went on without a verdict.")
    floor: StateEvent | None = Field(default=None, description="Who has the floor now.")
    transcript: TranscriptEvent | None = Field(
        default=None, description="What the user was understood to say."
    )
    bot_started: Event | None = Field(default=None, description="An utterance begins to sound.")
    bot_stopped: Event | None = Field(default=None, description="An utterance was played whole.")
    underrun: Event | None = Field(default=None, description="An utterance stood still.")
    threshold: Event | None = Field(default=None, description="The client got a new threshold.")
    error: ErrorEvent | None = Field(default=None, description="The client was told of an error.")
    predicted: Event | None = Field(
        default=None, description="The bot prepares a reply while the turn is open."
    )
    confirmed: Event | None = Field(default=None, description="The bot says what it has prepared.")
    dropped: DroppedEvent | None = Field(
        default=None, description="The bot drops what it has prepared."
    )
    asked: Event | None = Field(default=None, description="The LLM is asked for a reply.")
    disregarded: Event | None = Field(
        default=None, description="The server says that a truncate did not apply."
    )
    says: UtteranceText | None = Field(
        default=None, description="What the bot meant to say, heard or not."
    )
    heard: UtteranceText | None = Field(
        default=None, description="Words that sounded, by the user's own ear."
    )
    unheard: UtteranceText | None = Field(
        default=None, description="Words that never sounded, once the utterance is over."
    )
    context: ContextMessage | None = Field(
        default=None, description="A message that the LLM's context holds."
    )
    whole_context: ContextMessage | None = Field(
        default=None,
        description="All messages of a role in the LLM's context, one behind the other.",
    )
    count: Counts | None = Field(default=None, description="How often each of these happened.")
    at_most: Counts | None = Field(
        default=None, description="How often each of these may have happened."
    )
    lost_samples: int | None = Field(
        default=None, ge=0, description="Samples of the bot's that were skipped, at most."
    )
    repeated_samples: int | None = Field(
        default=None, ge=0, description="Samples of the bot's that sounded twice, at most."
    )
    wrong_words: int | None = Field(
        default=None,
        ge=0,
        description="Words that the context has and the ear has not, or the other way round, "
        "at most.",
    )

    TESTS: ClassVar[Mapping[What, str]] = {what: str(what) for what in EVENTS}

    @property
    def kind(self) -> str:
        """The key that is written."""
        return next(iter(self.model_fields_set))

    def mistakes(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What is wrong although each value is of its type; key paths start at this one."""
        if len(self.model_fields_set) != 1:
            yield (), "an expectation has one key. Write one list item for each."
            return
        value = getattr(self, self.kind)
        match value:
            case None:
                yield (self.kind,), "a value is missing."
            case Event(after=None, at_least_ms=None):
                return
            case Event(after=None):
                yield (self.kind, "at_least_ms"), "this needs `after`."
            case Event(within_ms=None, at_least_ms=None):
                yield (self.kind, "after"), "this needs `within_ms` or `at_least_ms`."
            case Text() if str(value) == "is any text":
                yield (self.kind,), "write `text`, `begins`, `ends` or `contains`."


def plain(text: str) -> str:
    """Text as it is compared: small letters, one space between words."""
    return " ".join(text.split()).lower()
