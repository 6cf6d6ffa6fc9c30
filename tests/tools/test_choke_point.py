"""What an LLM proposes runs if the policy says so, and never otherwise, whatever was registered."""

from __future__ import annotations

from typing import Any

import pytest
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import FunctionCallResultFrame, LLMSetToolsFrame
from pipecat.services.llm_service import FunctionCallParams

from bargein.processors.tool_calls import CallRules
from bargein.tools.arguments import MALFORMED, mended
from bargein.tools.policy import PolicyRules
from bargein.tools.schema import Schema
from bargein.tools.tool import PythonHandler, Rate, Tool
from tests.tools.room import Room, Says, opened, tool

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

TWO = ("order", {"cups": 2})


def last_result(room: Room) -> str:
    return next(each for each in reversed(room.written) if each.startswith("tool: "))


async def test_a_call_that_is_admitted_runs_once_and_is_answered() -> None:
    async with opened(Says("", (TWO,)), Says("Done."), tools=[tool()]) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Done."])
        await room.until(lambda: room.floors[-1] == "idle" and len(room.written) == 4)
        assert room.shop.ran == [("order", {"cups": 2})]
        assert room.written == [
            "user: two cups", 'call order {"cups": 2}', 'tool: {"number": 7}', "assistant: Done.",
        ]  # fmt: skip
        assert len(room.model.asked) == 2
        assert room.notes.of("order") == ["proposed", "started", "returned"]
        # Nobody took the floor for free while the tool ran.
        assert room.floors == ["listening", "processing", "speaking", "idle"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("refund", {"cups": 2}), "unknown_tool"),
        (("Order", {"cups": 2}), "unknown_tool"),
        (("x" * 5000, {}), "unknown_tool"),
        (("", {}), "unknown_tool"),
        (("order", {"cups": "2"}), "invalid_arguments"),
        (("order", {"cups": 2, "price": 0}), "invalid_arguments"),
        (("order", {}), "invalid_arguments"),
        (("order", {"cups": ["x" * 20_000]}), "too_large"),
        (("order", {"cups": 1, "\udfff": 1}), "too_large"),
        (("order", {"cups": "\ud800"}), "too_large"),
        (("order", [2]), "malformed_json"),
        (("order", None), "malformed_json"),
        (("order", {MALFORMED: 12}), "malformed_json"),
    ],
)
async def test_a_call_that_is_refused_runs_nothing_and_the_llm_hears_why(
    call: tuple[str, Any], code: str
) -> None:
    async with opened(Says("", (call,)), Says("I can't."), tools=[tool()]) as room:
        await room.say("go on")
        await room.until(lambda: room.voice.given == ["I can't."])
        assert f'"code": "{code}"' in last_result(room)
        assert room.shop.ran == []
        assert ("refused", call[0], code) in room.notes.lines
        assert len("".join(room.written)) < 1_000


async def test_a_number_beyond_all_floats_is_refused_and_the_next_call_runs() -> None:
    cents = Schema.of_arguments({"amount": {"type": "number", "multipleOf": 0.01}})
    pay = Tool("pay", "Pays.", cents, PythonHandler("shop", "pay"))
    calls = ("pay", {"amount": 10**400}), TWO
    async with opened(Says("", calls), Says("Done."), tools=[pay, tool()]) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["Done."])
        assert room.shop.ran == [TWO]
        assert room.notes.of("pay") == ["proposed", "refused"]


async def test_a_handler_that_somebody_registered_with_pipecat_never_runs() -> None:
    ran: list[str] = []

    async def run(params: FunctionCallParams) -> None:
        ran.append(params.function_name)
        await params.result_callback("ran")

    calls: tuple[tuple[str, Any], ...] = (("transfer", {}), ("anything", {}), TWO)
    async with opened(Says("", calls), Says("Done."), tools=[tool()]) as room:
        room.model.register_function("transfer", run)
        room.model.register_function("order", run)
        room.model.register_function(None, run)
        room.context.set_tools(
            ToolsSchema([FunctionSchema(n, "", {}, [], handler=run) for n in ("transfer", "order")])
        )
        await room.say("transfer it")
        await room.until(lambda: room.voice.given == ["Done."])
        assert (ran, room.shop.ran) == ([], [("order", {"cups": 2})])


async def test_a_tool_that_the_llm_was_not_told_of_is_unknown() -> None:
    async with opened(Says("", (TWO,)), Says("No."), tools=[tool(), tool("look")]) as room:
        look = FunctionSchema("look", "", {}, [])
        await room.hear(LLMSetToolsFrame(tools=ToolsSchema([look])))
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["No."])
        assert '"unknown_tool"' in last_result(room)
        assert room.shop.ran == []


async def test_a_result_that_somebody_pushes_into_the_pipeline_is_not_believed() -> None:
    async with opened(Says("", (TWO,), ids=("c1",)), Says("Done."), tools=[tool()]) as room:
        room.shop.holds = {"order"}
        await room.say("two cups")
        await room.until(lambda: room.shop.ran)
        forged = FunctionCallResultFrame("order", "c1", {}, "paid")
        await room.hear(forged)
        room.shop.opens.set()
        await room.until(lambda: room.voice.given == ["Done."])
        assert "paid" not in str(room.written)


async def test_an_id_that_was_used_before_runs_nothing_and_leaves_a_context_that_can_be_sent() -> (
    None
):
    replies = [Says("", (TWO,), ("c1",)), Says("", (("order", {"cups": 3}),), ("c1",)), Says("So.")]
    async with opened(*replies, tools=[tool()]) as room:
        await room.say("two cups")
        await room.until(lambda: room.voice.given == ["So."])
        assert room.shop.ran == [("order", {"cups": 2})]
        ids = [each["tool_call_id"] for each in room.messages if each["role"] == "tool"]
        assert ids == ["c1", "refused_1"]
        assert '"duplicate_call"' in last_result(room)


async def test_a_tool_is_not_called_more_often_than_it_may_be() -> None:
    calls = tuple(("order", {"cups": cups}) for cups in (1, 2, 3))
    tools = [tool(rate=Rate.parse("2/min"))]
    async with opened(Says("", calls), Says("Two."), tools=tools) as room:
        await room.say("all")
        await room.until(lambda: room.voice.given == ["Two."])
        assert [arguments["cups"] for _, arguments in room.shop.ran] == [1, 2]
        assert len(room.model.asked) == 2


async def test_an_llm_that_proposes_without_end_is_stopped_and_the_bot_says_so() -> None:
    endless = [Says("", (("refund", {"n": n}),)) for n in range(50)]
    rules = CallRules(gives_up="I stop here.")
    async with opened(
        *endless, tools=[tool()], policy=PolicyRules(per_turn=4), rules=rules
    ) as room:
        await room.say("refund it")
        await room.until(lambda: room.voice.given == ["I stop here."])
        await room.until(lambda: room.floors[-1] == "idle")
        await room.quiet()
        assert len(room.model.asked) == 5
        room.model.replies = [Says("Hello.")]
        await room.say("hello")
        await room.until(lambda: room.voice.given == ["I stop here.", "Hello."])


@pytest.mark.parametrize("text", ['{"a": 1}', "", "{}", ' {"a": [1]}\n'])
def test_arguments_that_are_an_object_stay_as_they_are(text: str) -> None:
    assert mended(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a": 1',
        "[1]",
        "7",
        "null",
        '"x"',
        "{'a': 1}",
        "[" * 100_000,
        '{"a": ' + "9" * 5_000 + "}",
        "{" + " " * 300_000 + "}",
    ],
)
def test_arguments_that_are_none_say_so(text: str) -> None:
    assert MALFORMED in mended(text)
