"""Who may talk with the bot: asked after the hello, before anything is made for the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from bargein.protocol import Hello
from bargein.transports.local.transport import ANYBODY, Admitted, Peer


class Door(Protocol):
    """Use as `async with door.admit(hello, connection) as admitted: ...`."""

    def admit(self, hello: Hello, connection: Peer) -> AbstractAsyncContextManager[Admitted]:
        """Let a client in for as long as this is open; ProtocolError if it may not.

        Gives what is known of it. Who keeps the door may close the connection meanwhile.
        """


class OpenDoor:
    """Lets everybody in."""

    @asynccontextmanager
    async def admit(self, hello: Hello, connection: Peer) -> AsyncIterator[Admitted]:
        """Let anybody in."""
        yield ANYBODY
