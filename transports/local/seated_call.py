"""A call over WebRTC takes a seat, answers an offer, and is closed whatever happens."""

from __future__ import annotations

import asyncio
from typing import Protocol, TypeVar

from bargein.errors import ProtocolError
from bargein.transports.local.seats import Seats

Serve = TypeVar("Serve", contravariant=True)


class Answering(Protocol[Serve]):
    """A call that is not answered yet."""

    async def answer(self, sdp: str) -> str:
        """Make the answer to an offer."""

    async def run(self, serve: Serve) -> None:
        """Talk until it is over."""

    async def close(self) -> None:
        """End it."""


async def run_seated(
    call: Answering[Serve],
    sdp: str,
    *,
    seats: Seats,
    serve: Serve,
    answered: asyncio.Future[str],
) -> None:
    """Answer the offer through `answered`, or say there why not; talk until the call is over."""
    try:
        with seats.seat():
            answer = await call.answer(sdp)
            if answered.cancelled():
                return  # who asked has gone
            answered.set_result(answer)
            await call.run(serve)
    except ProtocolError as error:
        if not answered.cancelled():
            answered.set_exception(error)
    finally:
        await call.close()
