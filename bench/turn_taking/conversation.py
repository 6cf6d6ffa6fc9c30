"""One row's conversations, side by side, each with vendors and a bot of its own."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bargein.speculation import Outcome
from bench.turn_taking import ours, sequential, stock
from bench.turn_taking.caller import Caller
from bench.turn_taking.material import SpokenTurn
from bench.turn_taking.ours import BargeinPhone
from bench.turn_taking.rows import Row
from bench.turn_taking.turns import Asked, Heard, Line, lines, voiced
from bench.turn_taking.vendors import Vendors, vendors

READY_S = 30
POLL_S = 0.02
TURN_S = 60
"""No turn takes longer than this, its answer included."""


@dataclass(frozen=True, slots=True)
class Talked:
    """What a conversation gave."""

    lines: list[Line]
    late_ms: list[float]
    """How late each step of the caller was."""
    predictions: int = 0
    confirmed: int = 0
    saved_ms: float = 0


async def run(row: Row, turns: Sequence[SpokenTurn], callers: int) -> Talked:
    """Say all turns, shared out to so many callers."""
    # What is imported and loaded at the first use is not the first turns' to pay for.
    await talk(row, turns[:1], 0, asyncio.Barrier(1))
    share = -(-len(turns) // callers)
    firsts = range(0, len(turns), share)
    everybody = asyncio.Barrier(len(firsts))
    talks = [talk(row, turns[first : first + share], first, everybody) for first in firsts]
    talked = await asyncio.gather(*talks)
    return Talked(
        [line for each in talked for line in each.lines],
        [late_ms for each in talked for late_ms in each.late_ms],
        sum(each.predictions for each in talked),
        sum(each.confirmed for each in talked),
        sum(each.saved_ms for each in talked),
    )


async def talk(
    row: Row, turns: Sequence[SpokenTurn], first_turn: int, everybody: asyncio.Barrier
) -> Talked:
    """Have one conversation, once all bots are there: to make one stops the others."""
    async with AsyncExitStack() as opened:
        servers = await opened.enter_async_context(vendors(turns, row.latencies))
        phone = await opened.enter_async_context(_bot(row, servers, first_turn))
        async with asyncio.timeout(READY_S):
            while not phone.ready:  # noqa: ASYNC110  (each kind of bot has its own event)
                await asyncio.sleep(POLL_S)
        # As `bargein run` does: a collection of all that was loaded would stop every bot.
        gc.collect()
        gc.freeze()
        async with asyncio.timeout(READY_S):
            await everybody.wait()
        caller = Caller(turns, phone)
        async with asyncio.timeout(TURN_S * len(turns)):
            await caller.live()
    heard = Heard(
        row.name,
        caller.said,
        [turn.heard.text for turn in turns],
        [turn.voice for turn in turns],
        voiced(caller.tape),
        _asked(servers, caller.begun_ms),
        [(each.opened_ms - caller.begun_ms, each.chars) for each in servers.tts.contexts],
    )
    told = lines(heard, first_turn)
    speculated = phone.sink.speculated if isinstance(phone, BargeinPhone) else None
    if speculated is None:
        return Talked(told, caller.late_ms)
    confirmed = speculated.outcomes.get(Outcome.CONFIRMED, 0)
    saved_ms = speculated.saved_ms
    return Talked(told, caller.late_ms, speculated.predictions, confirmed, saved_ms)


def _bot(row: Row, servers: Vendors, seed: int) -> Any:
    if row.bot == "sequential":
        return sequential.call(servers, row.network, seed)
    if row.bot in ("stock", "tuned", "eager"):
        return stock.call(row.bot, servers, row.network, seed)
    return ours.call(row.bot, servers, row.network, seed)


def _asked(servers: Vendors, begun_ms: float) -> list[Asked]:
    return [
        Asked(
            each.number,
            each.at_ms - begun_ms,
            each.asked,
            each.input_tokens,
            each.tokens,
            each.cancelled,
        )
        for each in servers.llm.requests
    ]
