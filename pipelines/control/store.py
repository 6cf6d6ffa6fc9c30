"""What control process and workers share: rooms, sessions, workers, and which tokens are spent."""

from __future__ import annotations

from typing import Protocol

from bargein.control.room import Room, Session, Worker
from bargein.control.token import Grant, Why
from bargein.errors import BargeinError

CIRCUIT_BYTES = 1_048_576
"""What may be kept of a session."""


class StoreError(BargeinError):
    """The store can't be opened, or does not answer."""


class Store(Protocol):
    """Each call is one transaction: it holds wholly or not at all, and once it returns it stays.

    Several processes may use one at a time. Lists come with the newest first.
    """

    async def add_room(self, room: Room) -> bool:
        """Make a room; False if there is one of this name."""

    async def room(self, name: str) -> Room | None:
        """Give a room, open or not."""

    async def rooms(self, limit: int) -> list[Room]:
        """List the rooms that are open."""

    async def close_room(self, name: str, now_s: int) -> bool:
        """Close a room and ask all its sessions to end; False if it is not open."""

    async def add_session(self, session: Session) -> None:
        """Make a session in a room that is there."""

    async def session(self, session_id: str) -> Session | None:
        """Give a session."""

    async def sessions(self, limit: int, *, room: str | None = None) -> list[Session]:
        """List sessions, over or not."""

    async def place(self, session_id: str, worker: str, expires_s: int, now_s: int) -> bool:
        """Give a session to a worker; False if it is being talked in, or over."""

    async def join(self, grant: Grant, worker: str, now_s: int) -> Why | None:
        """Spend a token and begin its session at this worker; gives why not, None if it begins.

        Of all who try with the same token, at whatever worker, at most one begins.
        """

    async def leave(self, session_id: str, worker: str, now_s: int) -> None:
        """The session's talk at this worker is over."""

    async def ask_end(self, session_id: str, now_s: int) -> bool:
        """Ask for a session's end; False if it is over."""

    async def ending(self, worker: str) -> list[str]:
        """List this worker's sessions that shall end."""

    async def keep(self, session_id: str, circuit: str) -> None:
        """Keep what outlives a worker of a session: JSON of at most CIRCUIT_BYTES."""

    async def circuit(self, session_id: str) -> str:
        """Give what was kept, `{}` where nothing was."""

    async def beat(self, worker: Worker) -> None:
        """A worker is there, or there still; its load is counted by the store."""

    async def workers(self) -> list[Worker]:
        """List the workers."""

    async def lose_worker(self, worker: str, now_s: int) -> list[str]:
        """A worker is gone; gives its sessions, which can be placed again."""

    async def revoke(self, token_id: str, expires_s: int) -> None:
        """This token lets nobody in any more; it is remembered until it would expire."""

    async def sweep(self, now_s: int) -> None:
        """Let go of what nobody came for, and forget what is long over."""

    async def close(self) -> None:
        """Close it; it is not used after that."""
