"""Interruptions and tools: what is cancelled, what runs on, and what the LLM is told, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bargein.floor import Floor
from bargein.processors.tool_calls import CallRules
from bargein.protocol import Error
from bargein.tools.in_flight import BotAt, Call, CallsInFlight
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import Code
from tests.test_speculation import STOPS, final, interim, silence
from tests.tools.room import FINISHES, Says, Shop, opened, tool

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

TWO = ("order", {"cups": 2})
THREE = ("order", {"cups": 3})
LOOK = ("look", {"cups": 1})
WAITS_MS = 1_000


def holding(*names: str) -> Shop:
    return Shop(holds=set(names))


@pytest.mark.parametrize("kind", [{}, FINISHES])
async def test_a_noise_that_is_rejected_cancels_nothing(kind: dict[str, Any]) -> None:
    shop = holding("order")
    async with opened(Says("", (TWO,)), Says("Done."), tools=[tool(**kind)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.sound()
        await room.until(lambda: room.floors[-2:] == ["contested", "processing"])
        assert (shop.killed, shop.ended) == ([], [])
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["Done."])
        assert room.notes.of("order") == ["proposed", "started", "returned"]


async def test_a_result_that_comes_while_a_verdict_is_open_waits_for_it() -> None:
    shop = holding("order")
    async with opened(Says("", (TWO,)), Says("Done."), tools=[tool()], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.sound()
        await room.until(lambda: room.floors[-1] == "contested")
        shop.opens.set()
        await room.until(lambda: shop.ended)
        await room.quiet(0.1)
        assert (room.floors[-1], len(room.model.asked)) == ("contested", 1)
        await room.until(lambda: room.voice.given == ["Done."])
        assert len(room.model.asked) == 2


async def test_a_call_that_may_be_cancelled_is_cancelled_once_and_the_llm_is_not_asked() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("Three, then.")
    async with opened(*replies, tools=[tool()], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        await room.until(lambda: shop.killed == ["order"])
        await room.quiet(0.1)
        assert len(room.model.asked) == 1
        await room.end("no, three")
        await room.until(lambda: room.voice.given == ["Three, then."])
        assert room.written[:4] == [
            "user: two cups", 'call order {"cups": 2}', "tool: CANCELLED", "user: no, three",
        ]  # fmt: skip
        assert room.notes.of("order") == ["proposed", "started", "cancelled"]


async def test_a_call_that_finishes_is_told_behind_the_answer_to_what_was_said_meanwhile() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("It's noon."), Says("Your order is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.say("what time is it")
        await room.until(lambda: room.floors[-2:] == ["speaking", "idle"])
        assert room.voice.given == ["It's noon."]
        shop.opens.set()
        await room.until(lambda: len(room.written) == 6)
        assert room.voice.given == ["It's noon.", "Your order is in."]
        assert room.written == [
            "user: two cups", "user: what time is it", "assistant: It's noon.",
            'call order {"cups": 2}', 'tool: {"number": 7}', "assistant: Your order is in.",
        ]  # fmt: skip
        assert (shop.killed, len(shop.ran), len(room.model.asked)) == ([], 1, 3)


async def test_a_result_that_comes_while_the_user_speaks_is_told_with_what_the_user_says() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("Noon, and it is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        shop.opens.set()
        await room.until(lambda: shop.ended)
        await room.quiet()
        assert (len(room.model.asked), room.voice.given) == (1, [])
        await room.end("what time is it")
        await room.until(lambda: len(room.written) == 5)
        await room.quiet()
        assert room.voice.given == ["Noon, and it is in."]
        assert room.written[1:4] == [
            'call order {"cups": 2}', 'tool: {"number": 7}', "user: what time is it",
        ]  # fmt: skip


async def test_a_result_that_comes_while_a_reply_is_made_leads_to_one_more_and_not_two() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("It's noon."), Says("It is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        room.model.may_end.clear()
        await room.say("what time is it")
        await room.until(lambda: len(room.model.asked) == 2)
        shop.opens.set()
        await room.until(lambda: shop.ended)
        await room.quiet()
        assert len(room.model.asked) == 2
        room.model.may_end.set()
        await room.until(lambda: room.floors[-2:] == ["speaking", "idle"] and len(room.written) > 5)
        await room.quiet()
        assert room.voice.given == ["It's noon.", "It is in."]
        assert len(room.model.asked) == 3


async def test_two_results_that_come_together_are_told_together() -> None:
    shop = holding("order", "look")
    replies = Says("", (TWO, LOOK)), Says("Both are there.")
    async with opened(*replies, tools=[tool(), tool("look")], shop=shop) as room:
        await room.say("all")
        await room.until(lambda: len(shop.ran) == 2)
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["Both are there."])
        await room.quiet()
        assert len(room.model.asked) == 2


async def test_the_first_of_two_results_waits_for_the_second() -> None:
    shop = holding("order")
    replies = Says("", (TWO, LOOK)), Says("Both are there.")
    async with opened(*replies, tools=[tool(), tool("look")], shop=shop) as room:
        await room.say("all")
        await room.until(lambda: shop.ended == ["look"])
        await room.quiet()
        assert len(room.model.asked) == 1
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["Both are there."])


@pytest.mark.parametrize("kind", [{}, FINISHES])
async def test_an_interruption_at_the_very_call_leaves_none_in_progress_for_ever(
    kind: dict[str, Any],
) -> None:
    """PCT#3661, PCT#5779: cancelled before its frame, or right as it is called."""
    replies = Says("One moment.", (TWO,)), Says("Yes?"), Says("It is in."), Says("Hi."), Says("Hi.")
    async with opened(*replies, tools=[tool(**kind)], shop=holding("order"), spoken_ms=400) as room:
        await room.say("two cups")
        # Its words still wait for their sound, and its call for its place behind them.
        await room.until(lambda: room.calls.flight.open)
        await room.say("wait")
        room.shop.opens.set()
        await room.until(lambda: "Yes?" in room.voice.given)
        await room.until(lambda: not room.calls.busy and room.floors[-1] == "idle")
        assert "IN_PROGRESS" not in str(room.written)
        assert '"running"' not in str(room.written)
        said = len(room.voice.given)
        await room.say("hello")
        await room.until(lambda: len(room.voice.given) > said)


@pytest.mark.parametrize("kind", [{}, FINISHES])
async def test_what_was_interrupted_can_be_called_again(kind: dict[str, Any]) -> None:
    """PCT#3548: calls in progress are not cleared."""
    shop = holding("order")
    replies = Says("", (TWO,)), Says("Well."), Says("", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool(**kind)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        shop.opens.set()
        await room.until(lambda: shop.ended or shop.killed)
        await room.end("never mind")
        await room.until(lambda: room.voice.given == ["Well."] and room.floors[-1] == "idle")
        await room.say("two cups after all")
        await room.until(lambda: room.voice.given == ["Well.", "Done."])
        assert len(shop.ran) == 2


async def test_a_call_of_a_reply_that_was_given_up_never_runs() -> None:
    """PCT#4997: the call of a binned generation still runs."""
    replies = Says("", (TWO,)), Says("Hello.")
    async with opened(*replies, tools=[tool()]) as room:
        room.model.may_end.clear()
        # It swallows the order to stop, and proposes all the same.
        room.model.stubborn = True
        await room.say("two cups")
        await room.until(lambda: len(room.model.asked) == 1)
        await room.begin()
        await room.until(lambda: ("refused", "order", "stale") in room.notes.lines)
        room.model.may_end.set()
        await room.end("hello")
        await room.until(lambda: room.voice.given == ["Hello."])
        assert room.shop.ran == []
        assert room.written[:2] == ["user: two cups", "user: hello"]


async def test_a_tool_that_may_finish_has_its_effect_though_the_user_spoke() -> None:
    """PCT#1567, vortex#224: what was to happen behind an interruption never does."""
    shop = holding("order")
    replies = Says("", (TWO,)), Says("Well."), Says("It is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        for _ in range(3):
            await room.begin()
            await room.end("wait")
            await room.quiet(0.1)
        shop.opens.set()
        await room.until(lambda: shop.ended == ["order"])
        assert (shop.killed, len(shop.ran)) == ([], 1)
        await room.until(lambda: '{"number": 7}' in str(room.written))
        assert room.notes.of("order") == ["proposed", "started", "returned"]


async def test_nothing_is_ordered_twice() -> None:
    """LK#3702: results are lost on interruption, so the LLM orders again."""
    shop = holding("order")
    replies = Says("", (TWO,)), Says("", (TWO,)), Says("It comes."), Says("It is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.say("did you order")
        await room.until(lambda: room.voice.given == ["It comes."] and room.floors[-1] == "idle")
        assert ("refused", "order", "already_running") in room.notes.lines
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["It comes.", "It is in."])
        await room.quiet()
        assert len(shop.ran) == 1
        assert str(room.written).count('"number": 7') == 1


async def test_the_bot_is_not_stuck_when_it_is_interrupted_while_it_speaks_and_a_tool_runs() -> (
    None
):
    """LK#4413: stuck if interrupted during a tool with say()."""
    replies = Says("I look it up for you.", (TWO,)), Says("Hello.")
    shop = holding("order")
    async with opened(*replies, tools=[tool()], shop=shop, spoken_ms=800) as room:
        await room.say("two cups")
        await room.until(lambda: room.floors[-1] == "speaking" and shop.ran)
        await room.quiet(0.2)
        await room.say("hello")
        await room.until(lambda: room.voice.given[-1] == "Hello.")
        await room.until(lambda: room.floors[-1] == "idle")
        assert shop.killed == ["order"]


async def test_a_noise_that_takes_the_floor_for_nothing_has_the_llm_asked_again() -> None:
    """The call was cancelled for nothing: what the user wanted is still to be done."""
    shop = holding("order")
    replies = Says("", (TWO,)), Says("", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool()], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        await room.until(lambda: shop.killed)
        shop.opens.set()
        await room.end("")
        await room.until(lambda: room.voice.given == ["Done."])
        assert len(shop.ran) == 2


async def test_a_noise_as_a_result_comes_has_it_told_once() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("It is in."), Says("Again: it is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        shop.opens.set()
        await room.until(lambda: shop.ended)
        await room.end("")
        await room.until(lambda: room.floors[-2:] == ["speaking", "idle"])
        await room.quiet()
        assert room.voice.given == ["It is in."]


async def test_what_the_bot_says_while_a_tool_runs_is_heard_whole() -> None:
    """LK#4461: it stops speaking when in a tool call."""
    replies = Says("I look it up for you.", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool()], spoken_ms=300) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["I look it up for you.", "Done."])
        await room.until(lambda: len(room.written) == 5)
        assert room.floors == ["listening", "processing", "speaking", "idle", "processing",
                               "speaking", "idle"]  # fmt: skip
        assert room.written[1:] == [
            "assistant: I look it up for you.", 'call order {"cups": 2}', 'tool: {"number": 7}',
            "assistant: Done.",
        ]  # fmt: skip


async def test_the_reply_is_not_overdue_while_a_tool_is_at_work() -> None:
    shop = holding("order")
    tools = [tool(timeout_ms=5_000)]
    async with opened(
        Says("", (TWO,)), Says("Done."), tools=tools, shop=shop, reply_within_ms=500
    ) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.quiet(1.2)
        assert room.sent(Error) == []
        assert room.floors[-1] == "processing"
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["Done."])


async def test_a_reply_that_does_not_come_behind_a_tool_is_overdue() -> None:
    shop = holding("order")
    async with opened(
        Says("", (TWO,)), Says(""), tools=[tool()], shop=shop, reply_within_ms=500
    ) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        room.model.may_end.clear()
        shop.opens.set()
        await room.until(lambda: room.sent(Error))
        assert room.floors[-1] == "idle"
        room.model.may_end.set()
        room.model.replies = [Says("Hi.")]
        await room.say("hello")
        await room.until(lambda: room.voice.given[-1:] == ["Hi."])


async def test_a_tool_that_takes_too_long_is_stopped_and_the_llm_hears_so() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("It takes too long.")
    async with opened(*replies, tools=[tool(timeout_ms=200)], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["It takes too long."])
        assert shop.killed == ["order"]
        assert '"timed_out"' in str(room.written)
        assert ("failed", "order", "timed_out") in room.notes.lines


async def test_a_call_of_whose_result_nobody_knows_what_to_make_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ArithmeticError("nobody has thought of this")

    monkeypatch.setattr(ToolPolicy, "check_result", fails)
    async with opened(Says("", (TWO,)), Says("Sorry."), tools=[tool()]) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Sorry."])
        assert Code.FAILED in room.written[2]
        assert room.notes.of("order")[-1] == "failed"


async def test_a_handler_that_raises_tells_nobody_what() -> None:
    shop = Shop(error=RuntimeError("password hunter2"))
    async with opened(Says("", (TWO,)), Says("Sorry."), tools=[tool()], shop=shop) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Sorry."])
        assert '"failed"' in str(room.written)
        assert "hunter2" not in str(room.written)


@pytest.mark.parametrize("opens", [True, False])
async def test_when_the_conversation_ends_what_may_finish_gets_a_while_and_the_rest_is_killed(
    opens: bool,
) -> None:
    shop = holding("order", "look")
    tools = [tool(**FINISHES), tool("look")]
    rules = CallRules(finish_within_s=0.5)
    async with opened(Says("", (TWO, LOOK)), tools=tools, shop=shop, rules=rules) as room:
        await room.say("all")
        await room.until(lambda: len(shop.ran) == 2)
        closing = asyncio.create_task(room.calls.close())
        await room.until(lambda: shop.killed == ["look"])
        if opens:
            shop.opens.set()
        async with asyncio.timeout(1.5):
            await closing
        assert room.notes.of("look")[-1] == "cancelled"
        assert room.notes.of("order")[-1] == ("returned" if opens else "cancelled")
        assert shop.killed == (["look"] if opens else ["look", "order"])


async def test_a_tool_of_a_reply_that_is_begun_early_runs_once_when_the_turn_is_over() -> None:
    replies = Says("I order.", (TWO,)), Says("Done.")
    async with opened(*replies, tools=[tool()], speculates=True) as room:
        await room.begin()
        await room.hear(interim("two cups"), silence(128))
        await room.until(lambda: room.voice.given == ["I order."])
        await room.quiet()
        assert room.shop.ran == []
        await room.hear(STOPS, final("Two cups."))
        await room.until(lambda: room.voice.given == ["I order.", "Done."])
        assert len(room.shop.ran) == 1


async def test_a_tool_of_a_reply_that_is_dropped_never_runs() -> None:
    replies = Says("", (TWO,)), Says("", (THREE,)), Says("Done.")
    async with opened(*replies, tools=[tool()], speculates=True) as room:
        await room.begin()
        await room.hear(interim("two cups"), silence(128))
        await room.until(lambda: len(room.model.asked) == 1)
        await room.hear(interim("two cups no three"), silence(160))
        await room.hear(STOPS, final("Two cups no three."))
        await room.until(lambda: room.voice.given == ["Done."])
        assert [arguments for _, arguments in room.shop.ran] == [{"cups": 3}]


async def test_while_a_tool_is_at_work_no_reply_is_prepared() -> None:
    shop = holding("order")
    replies = Says("", (TWO,)), Says("It's noon."), Says("It is in.")
    async with opened(*replies, tools=[tool(**FINISHES)], shop=shop, speculates=True) as room:
        await room.say("two cups")
        await room.until(lambda: shop.ran)
        await room.begin()
        await room.hear(interim("what time is it"), silence(128))
        await room.quiet()
        assert len(room.model.asked) == 1
        await room.hear(STOPS, final("What time is it."))
        await room.until(lambda: room.voice.given == ["It's noon."])
        shop.opens.set()
        await room.until(lambda: room.voice.given == ["It's noon.", "It is in."])


def in_flight(**given: Any) -> tuple[CallsInFlight, Call]:
    flight = CallsInFlight()
    call = Call("1", tool(**given), {"cups": 1})
    flight.open["1"] = call
    return flight, call


def test_nothing_is_told_while_the_llm_is_asked_already() -> None:
    flight, call = in_flight()
    flight.settle(call, "7")
    assert flight.may_tell(Floor.PROCESSING, BotAt(reply_open=False, pending=False))
    flight.asked = True
    assert not flight.may_tell(Floor.PROCESSING, BotAt(reply_open=False, pending=False))
