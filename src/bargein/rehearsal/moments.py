"""What a rehearsal notes: one kind of entry for everything that happens on either side.

All times are milliseconds since the client connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Where something happened."""

    USER = "user"
    """The person: mouth and ear."""
    CLIENT = "client"
    """The user's end of the protocol."""
    BOT = "bot"
    """The server's end."""


class What(StrEnum):
    """What can happen; the names are those that a scenario uses."""

    CONNECTED = "connected"
    """The client said hello; again after each lost connection."""
    DISCONNECTED = "disconnected"
    """The connection was lost."""
    WELCOMED = "welcomed"
    """The client was told that the session is open."""
    USER_STARTED = "user_started"
    """An act of the user's begins to sound."""
    USER_STOPPED = "user_stopped"
    """An act of the user's has ended."""
    DETECTED = "detected"
    """The client's VAD took the microphone for speech while the bot spoke."""
    MUTED = "muted"
    """The bot is silent for the user."""
    UNMUTED = "unmuted"
    """The bot may be heard again."""
    CONTESTED = "contested"
    """The client heard that a verdict follows."""
    ACCEPTED = "accepted"
    """The client heard that the floor is the user's."""
    REJECTED = "rejected"
    """The client heard that it was nothing."""
    IGNORED = "ignored"
    """The client heard that its truncate did not apply."""
    LOST = "lost"
    """The client gave up waiting for a verdict, or took it from the state."""
    FLOOR = "floor"
    """The client heard who has the floor."""
    TRANSCRIPT = "transcript"
    """The client heard what the user was understood to say, finally."""
    BOT_STARTED = "bot_started"
    """The first sample of an utterance sounds."""
    BOT_WORD = "bot_word"
    """A word of the bot's begins to sound."""
    BOT_STOPPED = "bot_stopped"
    """An utterance was played to its end."""
    UNDERRUN = "underrun"
    """An utterance stood still because its audio came too late, or never."""
    THRESHOLD = "threshold"
    """The client heard of a new threshold for its VAD."""
    SENT = "sent"
    """The client sent a message that the scenario wrote."""
    ERROR = "error"
    """The client heard of an error."""
    MADE = "made"
    """The voice has begun to make an utterance."""
    PREDICTED = "predicted"
    """The server has these words answered before the turn is over."""
    CONFIRMED = "confirmed"
    """The turn ended with these words: the reply that is there already is said."""
    DROPPED = "dropped"
    """The reply to these words will not be said."""
    ASKED = "asked"
    """The LLM is at a reply: one call of its service, prepared or not."""
    PAUSED = "paused"
    """The server paused the bot, and says so."""
    TOOK_FLOOR = "took_floor"
    """The server accepted a barge-in, and says so."""
    DISREGARDED = "disregarded"
    """The server took a truncate for one that does not apply, and says so."""
    WENT_ON = "went_on"
    """The server rejected a barge-in, and says so."""
    HUNG_UP = "hung_up"
    """The bot ended the conversation, or could not go on with it."""


SIDES = {
    Side.USER: (
        What.USER_STARTED,
        What.USER_STOPPED,
        What.BOT_STARTED,
        What.BOT_WORD,
        What.BOT_STOPPED,
    ),
    Side.BOT: (
        What.MADE,
        What.PREDICTED,
        What.CONFIRMED,
        What.DROPPED,
        What.ASKED,
        What.PAUSED,
        What.TOOK_FLOOR,
        What.WENT_ON,
        What.DISREGARDED,
        What.HUNG_UP,
    ),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened; fields that say nothing about it are empty."""

    at_ms: float
    what: What
    utterance: int | None = None
    sample: int | None = None
    """Of the utterance, at the rate of the bot's voice."""
    text: str = ""
    """Words: said, heard, or of an error; a state for `floor`."""
    reason: str = ""

    @property
    def side(self) -> Side:
        """Where it happened."""
        return next((side for side, kinds in SIDES.items() if self.what in kinds), Side.CLIENT)
