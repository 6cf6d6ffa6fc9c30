"""A tool takes its time: a phrase says so, once, if nothing else was heard."""

from __future__ import annotations

from functools import partial

import pytest

from bargein.processors.tool_calls import CallRules
from tests.tools.room import Room, Says, Shop, opened, tool

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

TWO = ("order", {"cups": 2})
RULES = CallRules(filler_after_ms=200, fillers=("One moment.", "Just a second."))


def has_said(room: Room, texts: int) -> bool:
    return len(room.voice.given) == texts


async def test_a_slow_tool_is_filled_with_phrases_that_take_turns_each_once() -> None:
    shop = Shop(holds={"order"})
    replies = [Says("", (TWO,)), Says("Done."), Says("", (TWO,)), Says("Again.")]
    async with opened(*replies, tools=[tool()], shop=shop, rules=RULES) as room:
        for said in (0, 2):
            shop.opens.clear()
            await room.say("two cups")
            await room.until(partial(has_said, room, said + 1))
            await room.until(lambda: room.floors[-1] == "processing")
            await room.quiet(0.5)
            shop.opens.set()
            await room.until(partial(has_said, room, said + 2))
            await room.until(lambda: room.floors[-1] == "idle")
        assert room.voice.given == ["One moment.", "Done.", "Just a second.", "Again."]


async def test_a_fast_tool_needs_none() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[tool()], rules=RULES) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Done."])
        await room.quiet(0.4)
        assert room.voice.given == ["Done."]


async def test_whoever_has_said_something_already_needs_none() -> None:
    shop = Shop(holds={"order"})
    replies = Says("I look.", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool()], shop=shop, rules=RULES) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.quiet(0.7)
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["I look.", "Done."])


async def test_none_is_said_while_the_user_speaks_or_a_verdict_is_open() -> None:
    shop = Shop(holds={"order"})
    async with opened(Says("", (TWO,)), tools=[tool()], shop=shop, rules=RULES) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.sound()
        await room.quiet(0.4)
        assert (room.floors[-1], room.voice.given) == ("contested", [])
        await room.until(lambda: room.voice.given == ["One moment."])


async def test_the_reply_follows_the_phrase_without_a_gap() -> None:
    shop = Shop(holds={"order"})
    replies = Says("", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool()], shop=shop, rules=RULES, spoken_ms=600) as room:
        await room.say("two cups")
        await room.until(lambda: room.floors[-1] == "speaking")
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["One moment.", "Done."])
        # The bot was still at the phrase.
        assert room.floors[-1] == "speaking"
        await room.until(lambda: room.floors[-1] == "idle")
        assert room.floors.count("speaking") == 1
        await room.until(lambda: len(room.written) == 5)
        assert room.written[-1] == "assistant: Done."


async def test_a_phrase_is_cut_off_as_any_speech_and_the_next_turn_works() -> None:
    shop = Shop(holds={"order"})
    replies = Says("", (TWO,)), Says("Hello.")
    async with opened(*replies, tools=[tool()], shop=shop, rules=RULES, spoken_ms=1_000) as room:
        await room.say("two cups")
        await room.until(lambda: room.floors[-1] == "speaking")
        await room.quiet(0.2)
        await room.say("hello")
        await room.until(lambda: room.voice.given == ["One moment.", "Hello."])
        assert shop.killed == ["order"]
