"""All conversations of a room: who says hello begins one, or takes up the one it was lost from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext

from bargein.processors.clock import monotonic_ms
from bargein.protocol import Hello
from bargein.transports.local.door import Door, OpenDoor
from bargein.transports.local.failures import tell_failures
from bargein.transports.local.kept_line import KeptConnection, KeptLine
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seat, Seats
from bargein.transports.local.transport import LocalTransport

Serve = Callable[[LocalTransport, KeptLine], Awaitable[None]]
"""Runs one conversation, and returns when it is over."""

END_S = 5.0


class Conversations:
    """Each runs in a task of its own, so that it outlives its connections."""

    def __init__(
        self, room: LocalRoom, seats: Seats, serve: Serve, *, door: Door | None = None
    ) -> None:
        """Share the room's seats. Without a `door` whoever reaches the port may talk with the bot.

        Behind a door a lost connection is the end: a token is good for one.
        """
        self._door = door or OpenDoor()
        self._grace_ms = 0.0 if door else room.grace_s * 1000
        self._room = room
        self._seats = seats
        self._serve = serve
        self._running: dict[KeptLine, asyncio.Task[None]] = {}
        seats.count_away = lambda: sum(line.away for line in self._running)

    async def join(
        self, connection: KeptConnection, hello: Hello, *, seat: Seat | None = None
    ) -> None:
        """Talk over a connection that has said hello, until it is lost or all is over.

        A `seat` that it has taken already is handed on, or given back where the session has one.
        ProtocolError `room_full` if it was only lent; who has none is told over the connection.
        """
        line = next((each for each in self._running if each.opens(hello)), None)
        if line is not None:
            if seat:
                seat.give_back()
            await line.carry(connection, hello)
            return
        taken = seat.hand_on() if seat else None
        line = KeptLine(connection, grace_ms=self._grace_ms, clock_ms=monotonic_ms)
        self._running[line] = asyncio.create_task(self._run(line, hello, taken))
        await line.carry(connection)
        if line.closed.is_set():
            # Its failure may still have to be told, over this very connection.
            await self._end([line])

    async def end(self) -> None:
        """End all of them, in bounded time."""
        for line in list(self._running):
            line.close()
        await self._end(list(self._running))

    async def _end(self, lines: list[KeptLine]) -> None:
        tasks = [task for line in lines if (task := self._running.get(line))]
        if tasks:
            await asyncio.wait(tasks, timeout=END_S)

    def _seated(self, seat: Seat | None) -> AbstractContextManager[None]:
        """Take a seat where none was taken at the offer; ProtocolError `room_full`."""
        return nullcontext() if seat else self._seats.seat()

    async def _run(self, line: KeptLine, hello: Hello, seat: Seat | None) -> None:
        try:
            await tell_failures(line, self._talk(line, hello, seat))
        finally:
            line.close()
            self._running.pop(line, None)
            if seat:
                seat.give_back()

    async def _talk(self, line: KeptLine, hello: Hello, seat: Seat | None) -> None:
        async with self._door.admit(hello, line) as admitted:
            with self._seated(seat):
                transport = LocalTransport(
                    line,
                    sample_rate_hz=self._room.sample_rate_hz,
                    capabilities=hello.capabilities,
                    admitted=admitted,
                )
                await self._serve(transport, line)
