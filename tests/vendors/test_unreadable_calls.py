"""A model writes arguments that are no JSON: the call arrives all the same, and is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bench.turn_taking.parts import Claude
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import ErrorFrame, LLMContextFrame, LLMFullResponseEndFrame
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.processors.guarded_llm import guard
from bargein.processors.openai_llm import OpenAILLM
from bargein.processors.tool_calls import ToolCalls
from bargein.tools.policy import ToolPolicy
from tests.tools.room import Notes, Shop, tool
from tests.vendors.anthropic import Answer as ClaudesAnswer
from tests.vendors.anthropic import Anthropic
from tests.vendors.latency import Writing
from tests.vendors.openai import Answer, OpenAI
from tests.vendors.test_services import running

pytestmark = pytest.mark.pipeline

UNREADABLE = [
    '{"cups": ',
    "{'cups': 2}",
    "[2]",
    '"two"',
    "[" * 50_000,
    '{"cups": ' + "9" * 5_000 + "}",
]
READABLE = '{"cups": 2}'


@asynccontextmanager
async def a_model(vendor: str, *written: str) -> AsyncIterator[Any]:
    """A service whose reply calls `order` once for each of these arguments."""
    if vendor == "anthropic":
        tools = tuple(("order", text) for text in written)
        claude = Anthropic(
            str, lambda _: Writing(whole_ms=20), answer=lambda _: ClaudesAnswer("So.", tools=tools)
        )
        async with claude.open() as url:
            yield Claude(url=url)
        return
    server = OpenAI(lambda _: Answer("So. ", tool="order", arguments=written[0]))
    async with server.open() as url:
        yield OpenAILLM(model="m", base_url=url)


@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
@pytest.mark.parametrize("written", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_a_call_with_arguments_that_nobody_can_read_is_refused(
    vendor: str, written: str
) -> None:
    order, notes, shop = tool(), Notes(), Shop()
    schema = FunctionSchema("order", "Orders.", {"cups": {"type": "integer"}}, ["cups"])
    asked: list[Any] = [{"role": "user", "content": "Two."}]
    context = LLMContext(asked, tools=ToolsSchema([schema]))
    async with a_model(vendor, written) as llm:
        calls = ToolCalls(ToolPolicy([order]), context, shop, notes)
        guard(llm, calls)
        async with running(llm) as (send, tap):
            await send(LLMContextFrame(context))
            await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
            await tap.until(lambda: bool(calls.flight.done))
        assert tap.all(ErrorFrame) == []
        await calls.close()
    assert ("refused", "order", "malformed_json") in notes.lines
    assert shop.ran == []


async def test_what_can_be_read_beside_it_runs() -> None:
    order, notes, shop = tool(), Notes(), Shop()
    schema = FunctionSchema("order", "Orders.", {"cups": {"type": "integer"}}, ["cups"])
    asked: list[Any] = [{"role": "user", "content": "Two."}]
    context = LLMContext(asked, tools=ToolsSchema([schema]))
    async with a_model("anthropic", "{", READABLE, "") as llm:
        calls = ToolCalls(ToolPolicy([order]), context, shop, notes)
        guard(llm, calls)
        async with running(llm) as (send, tap):
            await send(LLMContextFrame(context))
            await tap.until(lambda: bool(shop.ran))
        await calls.close()
    assert shop.ran == [("order", {"cups": 2})]
    codes = [code for event, _, code in notes.lines if event == "refused"]
    assert codes == ["malformed_json", "invalid_arguments"]
