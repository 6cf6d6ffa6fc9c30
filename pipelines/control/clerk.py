"""Makes rooms, sessions and tokens, and finds each session its worker."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bargein.control.placement import Pulse, choose
from bargein.control.room import Room, Session, State, Worker
from bargein.control.token import MAX_LIFE_S, Grant, Scope, mint
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.store import Store
from bargein.pipelines.control.token_door import AUDIENCE, GUEST, ROLE
from bargein.processors.clock import monotonic_ms

TOKEN_LIFE_S = 120
"""A token is for now: whoever gets it connects."""
NAME_BYTES = 8
ID_BYTES = 16


class NoPlaceError(Exception):
    """No worker can take a session now."""


class NameTakenError(Exception):
    """There is a room of this name."""


class NotJoinableError(Exception):
    """The session is being talked in, or it is over."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a client needs to come in."""

    room: str
    session: str
    url: str
    token: str
    token_id: str
    expires_s: int


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom a token is, and what it allows."""

    identity: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    life_s: int = TOKEN_LIFE_S


class Clerk:
    """One for each control process: placing is done by one at a time."""

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        bots: Sequence[str],
        pulse: Pulse,
        *,
        now_s: Callable[[], float] = time.time,
        clock_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """Work with this store; the first bot is the one for whoever names none.

        The supervisor looks at the workers, and so keeps the `pulse`.
        """
        self.bots, self.store, self._pulse = tuple(bots), store, pulse
        self._ring, self._now_s, self._clock_ms = ring, now_s, clock_ms
        self._placing = asyncio.Lock()

    @property
    def now_s(self) -> int:
        """The time that is written down."""
        return int(self._now_s())

    async def able(self) -> Worker | None:
        """Give who would take a session now."""
        workers = await self.store.workers()
        return choose(workers, silent=self._pulse.silent(self._clock_ms()))

    async def open_room(self, bot: str, name: str | None, wish: Wish) -> Pass:
        """Make a room with a session for one client; NameTakenError, NoPlaceError."""
        name = name or f"room-{secrets.token_hex(NAME_BYTES)}"
        async with self._placing:
            worker = await self._worker()
            if not await self.store.add_room(Room(name, bot, self.now_s)):
                raise NameTakenError
            return await self._new_session(name, bot, worker, wish)

    async def admit(self, room: Room, wish: Wish) -> Pass:
        """Make another session in a room."""
        async with self._placing:
            return await self._new_session(room.name, room.bot, await self._worker(), wish)

    async def admit_again(self, session: Session, wish: Wish) -> Pass:
        """Place a session again, and make a token for it; NotJoinableError, NoPlaceError."""
        async with self._placing:
            worker, expires_s = await self._worker(), self.now_s + wish.life_s
            if not await self.store.place(session.id, worker.id, expires_s, self.now_s):
                raise NotJoinableError
            return self._pass(replace(session, expires_s=expires_s), worker, wish)

    async def _worker(self) -> Worker:
        worker = await self.able()
        if worker is None:
            raise NoPlaceError
        return worker

    async def _new_session(self, room: str, bot: str, worker: Worker, wish: Wish) -> Pass:
        now_s = self.now_s
        session = Session(
            secrets.token_hex(NAME_BYTES),
            room,
            bot,
            wish.identity or f"{GUEST}{secrets.token_hex(NAME_BYTES // 2)}",
            now_s,
            now_s,
            State.WAITING,
            worker.id,
            now_s + wish.life_s,
        )
        await self.store.add_session(session)
        return self._pass(session, worker, wish)

    def _pass(self, session: Session, worker: Worker, wish: Wish) -> Pass:
        if not 0 < wish.life_s <= MAX_LIFE_S:
            raise ValueError(f"a token lives for 1 to {MAX_LIFE_S} s")
        grant = Grant(
            secrets.token_urlsafe(ID_BYTES),
            session.identity,
            session.room,
            session.id,
            ROLE,
            wish.scopes,
            session.expires_s - wish.life_s,
            session.expires_s,
        )
        token = mint(grant, self._ring.keys, audience=AUDIENCE)
        url = f"{worker.url}/{session.bot}/ws"
        return Pass(session.room, session.id, url, token, grant.id, grant.expires_s)
