"""Lets in who brings a good token for a session of this worker, once; all others hear the same.

The log and the counts know why a token was refused. Whoever sent it learns nothing: not whether it
was expired, spent, for another room, or no token at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from loguru import logger

from bargein.control.token import Grant, Scope, TokenError, Wanted, read, require
from bargein.errors import ProtocolError
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.store import Store, StoreError
from bargein.protocol import Error, Hello
from bargein.transports.local.transport import Admitted, Peer

AUDIENCE = "bargein-worker"
ROLE = "caller"
GUEST = "guest-"
"""Who gave no name has one that begins so; what a guest uses up is counted by address."""
JOINING = Wanted(frozenset({Scope.MEDIA, Scope.CONTROL}), role=ROLE)
REFUSED = ("unauthorized", "This token lets nobody in. Ask for a new one.")
DRAINING = "draining"
GOING_AWAY = Error(
    code="going_away", message="The server is going down. Connect again in a moment.", final=True
)
ENDED = Error(code="ended", message="This session was ended.", final=True)


class TokenDoor:
    """The door of one worker; all its bots share it."""

    def __init__(
        self, store: Store, ring: KeyRing, worker: str, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """Let in by these keys, what this store has placed here."""
        self._store, self._ring, self._worker, self._now_s = store, ring, worker, now_s
        self._connections: dict[str, Peer] = {}
        self.is_draining = False
        self.empty = asyncio.Event()
        """Nobody is in."""
        self.empty.set()
        self.refused: Counter[str] = Counter()

    @property
    def talking(self) -> int:
        """How many are in."""
        return len(self._connections)

    @asynccontextmanager
    async def admit(self, hello: Hello, connection: Peer) -> AsyncIterator[Admitted]:
        """Let in whose token is good, as long as this is open."""
        try:
            grant = await self._begin(hello.token)
        except TokenError as error:
            self._refuse(str(error.why))
        except StoreError as error:
            logger.error("nobody can be let in: {}", error)
            self._refuse("store")
        session, guest = grant.session, grant.identity.startswith(GUEST)
        self._connections[session] = connection
        self.empty.clear()
        try:
            yield Admitted(session, None if guest else grant.identity)
        finally:
            del self._connections[session]
            await self._leave(session)
            if not self._connections:
                self.empty.set()

    def hang_up(self, session: str) -> None:
        """End a session that is here; its client is told."""
        if session in self._connections:
            self._close(session, ENDED)

    def hang_up_all(self) -> None:
        """End all: the process goes down."""
        for session in list(self._connections):
            self._close(session, GOING_AWAY)

    def _close(self, session: str, why: Error) -> None:
        self._connections[session].send(why)
        self._connections[session].close()

    async def _begin(self, token: str) -> Grant:
        if self.is_draining:
            self._refuse(DRAINING)
        now_s = self._now_s()
        grant = read(token, self._ring.keys, audience=AUDIENCE, now_s=now_s)
        require(grant, JOINING)
        why = await self._store.join(grant, self._worker, int(now_s))
        if why:
            raise TokenError(why)
        logger.info("session {} of room {} begins", grant.session, grant.room)
        return grant

    async def _leave(self, session: str) -> None:
        try:
            await self._store.leave(session, self._worker, int(self._now_s()))
        except StoreError as error:
            # The supervisor finds the session without its worker, at the latest when that ends.
            logger.error("session {} is over, and the store was not told: {}", session, error)

    def _refuse(self, why: str) -> NoReturn:
        self.refused[why] += 1
        logger.info("a token was refused: {}", why)
        raise ProtocolError(*REFUSED)
