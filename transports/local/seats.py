"""How many clients a room takes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bargein.errors import ProtocolError


class Seats:
    """Counted seats, shared by all ways into the room."""

    def __init__(self, most: int) -> None:
        """Begin with an empty room."""
        self.most = most
        self.taken = 0

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Take one of the room's seats, and give it back; ProtocolError `room_full` if none is."""
        if self.taken >= self.most:
            raise ProtocolError(
                "room_full",
                f"this room takes {self.most} browsers at once and is full; "
                "close another one, or raise transport.max_sessions in the config",
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
