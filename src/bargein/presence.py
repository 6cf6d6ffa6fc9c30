"""Whether a session's client is there: each state, all that can happen, and what follows.

A connection may be lost and made again; the session outlives it for a grace period. Times are
milliseconds of any one clock, and keys are given by the caller, so that this stays data.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

KEYS_IN_DOUBT = 4
"""Each return gives a new key, which may be lost on its way: so many are tried in a row."""


class Presence(StrEnum):
    """Where the client is."""

    CONNECTED = "connected"
    AWAY = "away"
    """The connection was lost, and the session waits for another one."""
    OVER = "over"
    """Nobody can come back any more."""


class Happened(StrEnum):
    """What can happen to a connection."""

    DROPPED = "dropped"
    """It was lost, without a word."""
    RETURNED = "returned"
    """Another connection has brought the session's key."""
    LEFT = "left"
    """The client said goodbye."""
    GRACE_ENDED = "grace_ended"
    """It was away for the whole grace period."""
    ENDED = "ended"
    """The session itself is over."""


class Do(StrEnum):
    """What follows."""

    HOLD = "hold"
    """The bot keeps what it says, and waits."""
    TAKE_UP = "take_up"
    """The new connection is the session's."""
    DISMISS = "dismiss"
    """Tell the connection so far that another one has taken its place."""
    END = "end"
    """End the session."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The next state, and what to do on the way."""

    next: Presence
    do: tuple[Do, ...] = ()


CONNECTED, AWAY, OVER = Presence.CONNECTED, Presence.AWAY, Presence.OVER

RULES: Mapping[tuple[Presence, Happened], Rule] = {
    (CONNECTED, Happened.DROPPED): Rule(AWAY, (Do.HOLD,)),
    # The client knows of the loss before the server does, or it is another tab: the newer
    # one has the user before it.
    (CONNECTED, Happened.RETURNED): Rule(CONNECTED, (Do.DISMISS, Do.HOLD, Do.TAKE_UP)),
    (CONNECTED, Happened.LEFT): Rule(OVER, (Do.END,)),
    (CONNECTED, Happened.GRACE_ENDED): Rule(CONNECTED),
    (CONNECTED, Happened.ENDED): Rule(OVER, (Do.END,)),
    (AWAY, Happened.DROPPED): Rule(AWAY),
    (AWAY, Happened.RETURNED): Rule(CONNECTED, (Do.TAKE_UP,)),
    (AWAY, Happened.LEFT): Rule(OVER, (Do.END,)),
    (AWAY, Happened.GRACE_ENDED): Rule(OVER, (Do.END,)),
    (AWAY, Happened.ENDED): Rule(OVER, (Do.END,)),
    (OVER, Happened.DROPPED): Rule(OVER),
    (OVER, Happened.RETURNED): Rule(OVER),
    (OVER, Happened.LEFT): Rule(OVER),
    (OVER, Happened.GRACE_ENDED): Rule(OVER),
    (OVER, Happened.ENDED): Rule(OVER),
}


@dataclass(slots=True)
class Attendance:
    """One session's client: its state, since when, and the keys that open the session again.

    Without a key nobody can come back: a client that was never welcomed has none.
    """

    grace_ms: float
    state: Presence = CONNECTED
    away_since_ms: float | None = None
    keys: tuple[str, ...] = ()
    """The last one was told last; those before it count until the client has that one."""

    def hear(self, happened: Happened, now_ms: float) -> tuple[Do, ...]:
        """Take what happened; gives what to do, in order."""
        if happened is Happened.DROPPED and not (self.keys and self.grace_ms):
            happened = Happened.LEFT
        before, rule = self.state, RULES[self.state, happened]
        self.state = rule.next
        if self.state is not AWAY:
            self.away_since_ms = None
        elif before is not AWAY:
            self.away_since_ms = now_ms
        return rule.do

    def left_ms(self, now_ms: float) -> float | None:
        """How much of the grace period is left; None while nobody is missing."""
        if self.away_since_ms is None:
            return None
        return max(0.0, self.grace_ms - (now_ms - self.away_since_ms))

    def give(self, key: str) -> None:
        """Another key goes to the client; those before it are good until it has arrived."""
        self.keys = (*self.keys, key)[-KEYS_IN_DOUBT:]

    def confirm(self) -> None:
        """The client has spoken behind its welcome, so it has the last key: no other is good."""
        self.keys = self.keys[-1:]

    def opens(self, key: str) -> bool:
        """Whether this key takes the session up; takes as long whatever is wrong with it."""
        fits = [secrets.compare_digest(each.encode(), key.encode()) for each in self.keys]
        return any(fits) and self.state is not OVER
