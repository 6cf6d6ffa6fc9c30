"""Calls over WebRTC: each takes a seat, answers an offer, and is closed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from bargein.errors import ProtocolError
from bargein.transports.local.seats import Seat, Seats

END_S = 5.0


class Answering(Protocol):
    """A call that is not answered yet."""

    async def answer(self, sdp: str) -> str:
        """Make the answer to an offer."""

    def hang_up(self) -> None:
        """Have it come to its end, whether the client has connected or not."""

    async def close(self) -> None:
        """End it."""


Kind = TypeVar("Kind", bound=Answering)


class SeatedCalls(Generic[Kind]):
    """All calls of one kind in a room; each runs in a task of its own."""

    def __init__(self, seats: Seats, *, lent: bool = False) -> None:
        """Share the room's seats; one may be `lent` to a call that may be of somebody away."""
        self._seats, self._lent = seats, lent
        self._running: dict[Kind, asyncio.Task[None]] = {}
        self._unanswered: dict[Kind, asyncio.Future[str]] = {}

    @property
    def running(self) -> Mapping[Kind, asyncio.Task[None]]:
        """Those that are not over, answered or not."""
        return MappingProxyType(self._running)

    async def open(self, call: Kind, sdp: str, run: Callable[[Seat], Awaitable[None]]) -> str:
        """Take a seat and give the answer; `run` then talks. ProtocolError says why not.

        What `run` does not hand on of the seat is given back behind it.
        """
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._unanswered[call] = answered
        self._running[call] = asyncio.create_task(self._run(call, sdp, run))
        self._running[call].add_done_callback(lambda _: self._running.pop(call, None))
        return await answered

    async def end(self) -> None:
        """End all of them, in bounded time; who has not answered yet never will."""
        running = dict(self._running)
        for call, task in running.items():
            if call in self._unanswered:
                task.cancel()
            call.hang_up()
        if running:
            await asyncio.wait(running.values(), timeout=END_S)

    async def _run(self, call: Kind, sdp: str, run: Callable[[Seat], Awaitable[None]]) -> None:
        answered = self._unanswered[call]
        seat: Seat | None = None
        try:
            seat = self._seats.take(lent=self._lent)
            answer = await call.answer(sdp)
            del self._unanswered[call]
            if answered.cancelled():
                return  # who asked has gone
            answered.set_result(answer)
            await run(seat)
        except ProtocolError as error:
            if not answered.cancelled():
                answered.set_exception(error)
        finally:
            if seat:
                seat.give_back()
            self._unanswered.pop(call, None)
            answered.cancel()
            await call.close()
