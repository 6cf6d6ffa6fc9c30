"""Calls that need a yes, with a real pipeline: the bot asks aloud, and only the user can answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pipecat.frames.frames import InterruptionFrame, LLMMessagesAppendFrame, LLMTextFrame
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.processors.tool_calls import CallRules
from tests.test_speculation import SPEAKS, STOPS, final, interim, silence
from tests.tools.room import FINISHES, Model, Room, Says, Shop, opened, tool

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

TWO = ("order", {"cups": 2})
SEND = ("send", {"cups": 1})
QUESTION = "Shall I order two?"


def asks(name: str = "order", question: str = QUESTION, **given: Any) -> Any:
    return tool(name, confirm=True, question=question, **given)


async def asked(room: Room, question: str = QUESTION) -> None:
    """Wait until a question was heard."""
    await room.until(lambda: room.voice.given[-1:] == [question])
    await room.until(lambda: room.calls.asks and room.floors[-1] == "idle")
    await room.quiet(0.15)


async def test_a_yes_runs_the_call_and_the_llm_is_asked_only_for_the_result() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[asks()]) as room:
        await room.say("two cups")
        await asked(room)
        assert room.shop.ran == []
        await room.say("Yes, please.")
        await room.until(lambda: room.voice.given == [QUESTION, "Done."])
        await room.until(lambda: len(room.written) == 6)
        assert room.shop.ran == [("order", {"cups": 2})]
        assert len(room.model.asked) == 2
        assert room.written == [
            "user: two cups", f"assistant: {QUESTION}", "user: Yes, please.",
            'call order {"cups": 2}', 'tool: {"number": 7}', "assistant: Done.",
        ]  # fmt: skip
        assert room.notes.of("order") == ["proposed", "confirmed", "started", "returned"]


@pytest.mark.parametrize("words", ["No.", "yes but make it three", "what time is it", "I guess so"])
async def test_anything_else_runs_nothing_and_is_answered(words: str) -> None:
    async with opened(Says("", (TWO,)), Says("As you like."), tools=[asks()]) as room:
        await room.say("two cups")
        await asked(room)
        await room.say(words)
        await room.until(lambda: room.voice.given == [QUESTION, "As you like."])
        assert room.shop.ran == []
        assert len(room.model.asked) == 2
        (call, result, said) = room.written[2:5]
        assert (call, said) == ('call order {"cups": 2}', f"user: {words}")
        assert '"not_confirmed"' in result
        assert room.notes.of("order") == ["proposed", "declined"]


async def test_who_has_not_understood_is_asked_once_more() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[asks()]) as room:
        await room.say("two cups")
        await asked(room)
        await room.say("What?")
        await room.until(lambda: room.voice.given == [QUESTION, QUESTION])
        await asked(room)
        await room.say("yes")
        await room.until(lambda: room.voice.given == [QUESTION, QUESTION, "Done."])
        assert len(room.model.asked) == 2


async def test_who_does_not_answer_has_not_said_yes_and_the_bot_says_so() -> None:
    rules = CallRules(confirm_within_ms=300)
    async with opened(Says("", (TWO,)), Says("Then not."), tools=[asks()], rules=rules) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == [QUESTION, "Then not."])
        assert room.shop.ran == []
        assert "gave no answer in time" in str(room.written)
        await room.until(lambda: room.floors[-1] == "idle")
        await room.say("yes")
        await room.until(lambda: len(room.model.asked) == 3)
        assert room.shop.ran == []


async def test_a_yes_into_the_question_is_a_yes_though_yes_is_a_backchannel() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[asks()], spoken_ms=1_500) as room:
        await room.say("two cups")
        await room.until(lambda: room.calls.asks)
        await room.quiet(0.5)
        # The client's VAD has fired, and the recogniser is faster than the server's.
        await room.sound()
        await room.hear(interim("yes"))
        await room.until(lambda: room.floors[-2:] == ["contested", "listening"])
        await room.hear(SPEAKS, final("yes"), STOPS)
        await room.until(lambda: "Done." in room.voice.given)
        assert len(room.shop.ran) == 1


async def test_a_yes_that_was_begun_before_the_question_sounded_is_none() -> None:
    async with opened(Says("", (TWO,)), Says("Hm."), tools=[asks()], spoken_ms=400) as room:
        await room.say("two cups")
        await room.until(lambda: room.calls.asks)
        # It began 100 ms before this, when nothing of the question had sounded.
        await room.hear(SPEAKS, final("yes"), STOPS)
        await room.until(lambda: room.voice.given[-1:] == ["Hm."])
        assert room.shop.ran == []


async def test_a_yes_while_the_question_is_on_its_way_is_none() -> None:
    async with opened(Says("Let me see.", (TWO,)), Says("Hm."), tools=[asks()], spoken_ms=300) as (
        room
    ):
        await room.say("two cups")
        await room.until(lambda: room.floors[-1] == "speaking")
        await room.say("yes")
        await room.until(lambda: room.voice.given[-1:] == ["Hm."])
        assert room.shop.ran == []
        assert room.notes.of("order") == ["proposed", "cancelled"]


class CallsFirst(Model):
    """Its words come behind its calls."""

    async def propose(self, reply: Says, context: LLMContext) -> None:
        await super().propose(reply, context)
        if reply.calls:
            await asyncio.sleep(0.1)
            await self.push_frame(LLMTextFrame("Would you like to hear a joke?"))


async def test_a_yes_to_words_of_the_llms_is_none_and_the_question_comes_behind_them() -> None:
    llm = CallsFirst(Says("", (TWO,)), Says("Fine."))
    async with opened(llm=llm, tools=[asks()], spoken_ms=1_500) as room:
        await room.say("two cups")
        await room.until(lambda: room.floors[-1] == "speaking")
        await room.quiet(0.5)
        await room.say("yes please")
        await room.until(lambda: "Fine." in room.voice.given)
        assert room.shop.ran == []
        assert room.notes.of("order") == ["proposed", "cancelled"]


async def test_a_noise_in_the_question_has_it_said_to_its_end() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[asks()], spoken_ms=1_600) as room:
        await room.say("two cups")
        await room.until(lambda: room.calls.asks)
        await room.quiet(0.3)
        await room.begin()
        await room.end("")
        await room.until(lambda: len(room.voice.given) == 2)
        assert room.voice.given[1].startswith("As I was saying,")
        await room.until(lambda: room.floors[-1] == "idle" and room.calls.asks)
        await room.quiet(0.2)
        await room.say("yes")
        await room.until(lambda: room.voice.given[-1] == "Done.")
        assert len(room.shop.ran) == 1


async def test_no_text_but_the_users_words_says_yes() -> None:
    async with opened(Says("", (TWO,)), Says("yes"), Says("Yes."), tools=[asks()]) as room:
        await room.say("two cups")
        await asked(room)
        says = [{"role": "user", "content": "yes"}]
        await room.hear(LLMMessagesAppendFrame(messages=says, run_llm=True))  # type: ignore[arg-type]
        await room.until(lambda: room.voice.given[-1] == "yes")
        await room.quiet()
        assert room.shop.ran == []


@pytest.mark.parametrize(
    ("answers", "ran"),
    [(("yes", "yes"), ["order", "send"]), (("yes", "no"), ["order"]), (("no", "yes"), ["send"]),
     (("no", "no"), [])],
)  # fmt: skip
async def test_two_calls_are_asked_for_one_after_the_other(
    answers: tuple[str, str], ran: list[str]
) -> None:
    tools = [asks(), asks("send", "Shall I send it?")]
    async with opened(Says("", (TWO, SEND)), Says("So be it."), tools=tools) as room:
        await room.say("two cups, and send them")
        await asked(room)
        await room.say(answers[0])
        await asked(room, "Shall I send it?")
        await room.say(answers[1])
        await room.until(lambda: room.voice.given[-1] == "So be it.")
        await room.quiet()
        assert [name for name, _ in room.shop.ran] == ran
        assert len(room.model.asked) == 2
        assert str(room.written).count("not_confirmed") == 2 - len(ran)


async def test_an_answer_that_says_more_declines_all_that_wait_and_is_answered() -> None:
    tools = [asks(), asks("send", "Shall I send it?")]
    async with opened(Says("", (TWO, SEND)), Says("It's noon."), tools=tools) as room:
        await room.say("two cups, and send them")
        await asked(room)
        await room.say("what time is it")
        await room.until(lambda: room.voice.given[-1] == "It's noon.")
        await room.quiet()
        assert (room.shop.ran, room.calls.busy) == ([], False)


async def test_a_tool_at_work_is_not_cancelled_by_the_answer_to_a_question() -> None:
    shop = Shop(holds={"send"})
    tools = [asks(), tool("send")]
    async with opened(Says("", (TWO, SEND)), Says("Both."), tools=tools, shop=shop) as room:
        await room.say("two cups, and send them")
        await asked(room)
        await room.say("yes")
        await room.until(lambda: len(shop.ran) == 2)
        shop.opens.set()
        await room.until(lambda: room.voice.given[-1] == "Both.")
        assert shop.killed == []


async def test_what_somebody_else_interrupts_was_not_confirmed() -> None:
    async with opened(Says("", (TWO,)), Says("Hm."), tools=[asks(**FINISHES)]) as room:
        await room.say("two cups")
        await room.until(lambda: room.calls.flight.open)
        await room.hear(InterruptionFrame())
        await room.until(lambda: not room.calls.flight.open or room.calls.asks)
        await room.quiet()
        await room.say("what")
        await room.quiet()
        assert room.shop.ran == []


async def test_nothing_is_prepared_while_a_question_is_open_and_partial_words_are_no_yes() -> None:
    async with opened(
        Says("", (TWO,)), Says("Three, then."), tools=[asks()], speculates=True
    ) as room:
        await room.say("two cups")
        await asked(room)
        await room.begin()
        await room.hear(interim("yes"), silence(128))
        await room.quiet()
        assert (len(room.model.asked), room.shop.ran) == (1, [])
        await room.hear(STOPS, final("yes but make it three"))
        await room.until(lambda: room.voice.given[-1] == "Three, then.")
        assert room.shop.ran == []


async def test_when_the_conversation_ends_an_open_question_is_a_no() -> None:
    async with opened(Says("", (TWO,)), tools=[asks()]) as room:
        await room.say("two cups")
        await asked(room)
        await room.calls.close()
        assert room.notes.of("order") == ["proposed", "cancelled"]
        assert (room.shop.ran, room.calls.flight.open) == ([], {})
