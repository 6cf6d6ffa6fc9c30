"""Calls that have a seat: what becomes of them when the server stops, or nobody waits for them."""

from __future__ import annotations

import asyncio

import pytest

from bargein.transports.local.seated_call import SeatedCalls
from bargein.transports.local.seats import Seat, Seats


class Call:
    """One whose answer comes when a test says so, and that talks until it is hung up."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.closed = False

    async def answer(self, sdp: str) -> str:
        self.asked.set()
        await self.may_answer.wait()
        return f"answer to {sdp}"

    async def run(self, seat: Seat) -> None:
        await self.hung_up.wait()

    def hang_up(self) -> None:
        self.hung_up.set()

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("answers", [True, False])
async def test_at_the_end_answered_calls_are_hung_up_and_others_are_not_waited_for(
    answers: bool,
) -> None:
    seats = Seats(1)
    calls, call = SeatedCalls[Call](seats), Call()
    asking = asyncio.create_task(calls.open(call, "offer", call.run))
    if answers:
        call.may_answer.set()
        assert await asking == "answer to offer"
    else:
        async with asyncio.timeout(1):
            await call.asked.wait()
    async with asyncio.timeout(1):
        await calls.end()
        await asyncio.wait([asking])
    assert asking.cancelled() is not answers
    assert (call.closed, seats.taken, dict(calls.running)) == (True, 0, {})
