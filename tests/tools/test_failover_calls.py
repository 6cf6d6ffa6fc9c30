"""Calls of an LLM that fails, and the next takes over: each runs once, or not at all."""

from __future__ import annotations

import pytest
from pipecat.processors.aggregators.llm_context import LLMContext

from tests.test_speculation import STOPS, final, interim, silence
from tests.tools.room import Model, Room, Says, opened, tool

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

TWO = ("order", {"cups": 2})
THREE = ("order", {"cups": 3})


class FailsBehindCalls(Model):
    """Its connection breaks right behind the calls of a reply."""

    async def propose(self, reply: Says, context: LLMContext) -> None:
        await super().propose(reply, context)
        if reply.calls:
            await self.push_error(error_msg="the connection is gone")


async def order_early(room: Room) -> None:
    """Order two cups; the reply is begun before the turn is over."""
    asked = len(room.model.asked)
    await room.begin()
    await room.hear(interim("two cups"), silence(128))
    await room.until(lambda: len(room.model.asked) > asked)
    await room.quiet(0.1)
    await room.hear(STOPS, final("Two cups."))


async def test_a_call_of_an_llm_that_failed_is_proposed_and_not_made_again() -> None:
    first, second = FailsBehindCalls(Says("", (TWO,))), Model(Says("Done."))
    async with opened(llm=first, next_llm=second, tools=[tool()]) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Done."])
        assert room.shop.ran == [TWO]
        assert len(second.asked) == 1


async def test_where_the_next_llm_prepares_the_reply_anew_the_calls_of_the_first_never_run() -> (
    None
):
    first, second = FailsBehindCalls(Says("", (TWO,))), Model(Says("", (THREE,)), Says("Done."))
    async with opened(llm=first, next_llm=second, tools=[tool()], speculates=True) as room:
        await order_early(room)
        await room.until(lambda: room.voice.given == ["Done."])
        assert room.shop.ran == [THREE]


async def test_a_prepared_call_behind_words_runs_though_its_llm_failed_right_then() -> None:
    first = FailsBehindCalls(Says("Hello there."), Says("Yes?"), Says("I order.", (TWO,)))
    second = Model(Says("Done."))
    async with opened(
        llm=first, next_llm=second, tools=[tool()], speculates=True, spoken_ms=600
    ) as room:
        await room.say("hello")
        await room.until(lambda: room.floors[-1] == "speaking")
        await room.say("stop talking please now")
        await room.until(lambda: "Yes?" in room.voice.given and room.floors[-1] == "idle")
        await order_early(room)
        await room.until(lambda: room.voice.given[-2:] == ["I order.", "Done."])
        assert room.shop.ran == [TWO]
