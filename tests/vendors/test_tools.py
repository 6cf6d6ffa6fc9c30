"""One reply of Anthropic's may call several tools: all of them run, once the reply may be said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bench.turn_taking.parts import Claude
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import LLMContextFrame, LLMFullResponseEndFrame, LLMTextFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.anthropic.llm import AnthropicLLMService
from pipecat.services.llm_service import FunctionCallParams

from bargein.processors.provisional_llm import BRANCH, make_provisional
from tests.vendors.anthropic import Answer, Anthropic
from tests.vendors.latency import Writing
from tests.vendors.test_services import Send, Tap, running

pytestmark = [pytest.mark.slow, pytest.mark.pipeline]

Call = tuple[str, dict[str, Any]]
CALLS: tuple[Call, ...] = (
    ("book", {"seats": 2, "note": "by the window"}),
    ("send", {}),
    ("book", {"seats": 3}),
)
BOOK = FunctionSchema("book", "Books.", {"seats": {"type": "integer"}}, ["seats"])
SEND = FunctionSchema("send", "Sends.", {}, [])


def asked() -> LLMContext:
    return LLMContext(
        [{"role": "user", "content": "Book."}], tools=ToolsSchema(standard_tools=[BOOK, SEND])
    )


@asynccontextmanager
async def calling(
    make: Callable[[str], AnthropicLLMService], *calls: Call
) -> AsyncIterator[tuple[AnthropicLLMService, Send, Tap, list[Call]]]:
    """Run a service whose reply calls these tools; gives what has run."""
    ran: list[Call] = []

    async def run(params: FunctionCallParams) -> None:
        ran.append((params.function_name, dict(params.arguments)))
        await params.result_callback({"ok": True})

    server = Anthropic(
        str,
        lambda _: Writing(whole_ms=20),
        answer=lambda request: Answer("One moment.", tools=calls if request.last else ()),
    )
    async with server.open() as url:
        llm = make(url)
        for name in ("book", "send"):
            llm.register_function(name, run)
        async with running(llm) as (send, tap):
            yield llm, send, tap, ran


@pytest.mark.parametrize("calls", [(), CALLS[:1], CALLS], ids=len)
async def test_every_tool_that_a_reply_calls_runs(calls: tuple[Call, ...]) -> None:
    async with calling(lambda url: Claude(url=url), *calls) as (_, send, tap, ran):
        await send(LLMContextFrame(asked()))
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)) and len(ran) == len(calls))
    assert sorted(ran, key=str) == sorted(calls, key=str)
    assert "".join(each.text for each in tap.all(LLMTextFrame)).startswith("One moment.")


@pytest.mark.parametrize("confirmed", [True, False])
async def test_all_tools_of_a_reply_that_is_begun_early_wait_for_its_confirmation(
    confirmed: bool,
) -> None:
    async def nobody() -> None:
        raise AssertionError("nobody else wants a reply")

    async with calling(lambda url: Claude(url=url), *CALLS) as (llm, send, tap, ran):
        context = asked()
        provisional = make_provisional(llm, context=context, void=nobody)
        provisional.begin(1)
        early = LLMContextFrame(asked())
        early.metadata[BRANCH] = 1
        await send(early)
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
        assert (provisional.withheld, ran) == (len(CALLS), [])
        if confirmed:
            await provisional.confirm()
            await tap.until(lambda: len(ran) == len(CALLS))
        else:
            provisional.drop(1)
            await provisional.confirm()
    assert sorted(ran, key=str) == (sorted(CALLS, key=str) if confirmed else [])
