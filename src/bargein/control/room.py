"""Rooms, the sessions in them and the workers that run these; what a session's state becomes.

Times are seconds since 1970, UTC: they are kept longer than a process lives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Of a room, a bot or an identity: it stands in addresses, logs and tokens."""


class State(StrEnum):
    """Where a session stands."""

    WAITING = "waiting"
    """It has a worker and a token; its client has not come yet."""
    TALKING = "talking"
    LOST = "lost"
    """Its worker died; it can be placed again."""
    EXPIRED = "expired"
    """Nobody came in time; it can be placed again."""
    ENDING = "ending"
    """Its worker was asked to end it."""
    ENDED = "ended"


OPEN = (State.WAITING, State.TALKING, State.ENDING)
"""States in which a session takes one of its worker's places."""


class Happening(StrEnum):
    """What can happen to a session."""

    PLACED = "placed"
    JOINED = "joined"
    LEFT = "left"
    WORKER_LOST = "worker_lost"
    TIME_OVER = "time_over"
    END_ASKED = "end_asked"


_AGAIN = State.WAITING
RULES: Mapping[tuple[State, Happening], State | None] = {
    (State.WAITING, Happening.PLACED): _AGAIN,
    (State.WAITING, Happening.JOINED): State.TALKING,
    (State.WAITING, Happening.LEFT): None,
    (State.WAITING, Happening.WORKER_LOST): State.LOST,
    (State.WAITING, Happening.TIME_OVER): State.EXPIRED,
    (State.WAITING, Happening.END_ASKED): State.ENDED,
    (State.TALKING, Happening.PLACED): None,
    (State.TALKING, Happening.JOINED): None,
    (State.TALKING, Happening.LEFT): State.ENDED,
    (State.TALKING, Happening.WORKER_LOST): State.LOST,
    (State.TALKING, Happening.TIME_OVER): None,
    (State.TALKING, Happening.END_ASKED): State.ENDING,
    (State.LOST, Happening.PLACED): _AGAIN,
    (State.LOST, Happening.JOINED): None,
    (State.LOST, Happening.LEFT): None,
    (State.LOST, Happening.WORKER_LOST): None,
    (State.LOST, Happening.TIME_OVER): None,
    (State.LOST, Happening.END_ASKED): State.ENDED,
    (State.EXPIRED, Happening.PLACED): _AGAIN,
    (State.EXPIRED, Happening.JOINED): None,
    (State.EXPIRED, Happening.LEFT): None,
    (State.EXPIRED, Happening.WORKER_LOST): None,
    (State.EXPIRED, Happening.TIME_OVER): None,
    (State.EXPIRED, Happening.END_ASKED): State.ENDED,
    (State.ENDING, Happening.PLACED): None,
    (State.ENDING, Happening.JOINED): None,
    (State.ENDING, Happening.LEFT): State.ENDED,
    (State.ENDING, Happening.WORKER_LOST): State.ENDED,
    (State.ENDING, Happening.TIME_OVER): None,
    (State.ENDING, Happening.END_ASKED): None,
    (State.ENDED, Happening.PLACED): None,
    (State.ENDED, Happening.JOINED): None,
    (State.ENDED, Happening.LEFT): None,
    (State.ENDED, Happening.WORKER_LOST): None,
    (State.ENDED, Happening.TIME_OVER): None,
    (State.ENDED, Happening.END_ASKED): None,
}
"""Every pair stands here; None: it can't happen then, and changes nothing."""


def changes(happening: Happening) -> dict[State, State]:
    """Give what this makes of which state."""
    return {
        state: after
        for (state, each), after in RULES.items()
        if each is happening and after is not None
    }


@dataclass(frozen=True, slots=True)
class Room:
    """A name under which clients meet a bot."""

    name: str
    bot: str
    made_s: int
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of one client with a bot."""

    id: str
    room: str
    bot: str
    identity: str
    made_s: int
    seen_s: int
    """When its state changed last."""
    state: State = State.WAITING
    worker: str | None = None
    expires_s: int = 0
    """Until when its client may come."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs bots."""

    id: str
    url: str
    """Where its clients connect, without the bot's name: `ws://127.0.0.1:41001`."""
    capacity: int
    """So many sessions at once."""
    pid: int
    load: int = 0
    """Sessions that it has, or that are on their way to it."""
    is_draining: bool = False
    beat: int = 0
    """Counts up each second: who sees it stand still knows that the worker hangs or is dead."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many tokens it has refused, by reason."""
