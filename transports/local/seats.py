"""How many clients a room takes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bargein.errors import ProtocolError


class Seat:
    """One that is taken, until it is given back; who hands it on has none any more."""

    def __init__(self, seats: Seats) -> None:
        """`Seats.take` makes it."""
        self._seats: Seats | None = seats

    def give_back(self) -> None:
        """Leave it; any number of times."""
        seats, self._seats = self._seats, None
        if seats:
            seats.taken -= 1

    def hand_on(self) -> Seat:
        """Give it to somebody else; ProtocolError `room_full` if it was only lent."""
        seats, self._seats = self._seats, None
        if seats is None:
            raise RuntimeError("this seat was given back or handed on before")
        if seats.taken > seats.most:
            seats.taken -= 1
            raise seats.full()
        return Seat(seats)


class Seats:
    """Counted seats, shared by all ways into the room."""

    def __init__(self, most: int) -> None:
        """Begin with an empty room."""
        self.most = most
        self.taken = 0
        self.count_away: Callable[[], int] = lambda: 0
        """So many of them are kept for somebody whose connection is lost."""

    def take(self, *, lent: bool = False) -> Seat:
        """Take one of the room's seats; ProtocolError `room_full` if none is free.

        Whoever connects may be somebody who was away, so one of theirs may be `lent` until it is
        known; then it is handed on, or given back.
        """
        if self.taken - (self.count_away() if lent else 0) >= self.most:
            raise self.full()
        self.taken += 1
        return Seat(self)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Take one for as long as this lasts."""
        seat = self.take()
        try:
            yield
        finally:
            seat.give_back()

    def full(self) -> ProtocolError:
        """Say that nobody more gets in."""
        return ProtocolError(
            "room_full",
            f"this room takes {self.most} browsers at once and is full; "
            "close another one, or raise transport.max_sessions in the config",
        )
