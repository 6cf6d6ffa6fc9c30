"""What `AnthropicLLM` mends in pipecat, and where: tells us when pipecat has."""

from __future__ import annotations

import inspect

import pytest
from anthropic import AsyncAnthropic
from pipecat.frames.frames import LLMContextFrame, LLMFullResponseEndFrame
from pipecat.services.anthropic.llm import AnthropicLLMService

from tests.vendors.test_tools import CALLS, asked, calling


@pytest.mark.pipeline
@pytest.mark.slow
async def test_pipecat_still_runs_the_last_tool_of_a_reply_alone() -> None:
    """When this fails, take `each_tool_alone` out of processors/anthropic_llm.py."""

    clients: list[AsyncAnthropic] = []

    def stock(url: str) -> AnthropicLLMService:
        clients.append(AsyncAnthropic(api_key="none", base_url=url))
        settings = AnthropicLLMService.Settings(model="claude-haiku-4-5")
        return AnthropicLLMService(api_key="none", client=clients[0], settings=settings)

    async with calling(stock, *CALLS) as (_, send, tap, ran):
        await send(LLMContextFrame(asked()))
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)) and bool(ran))
    await clients[0].close()
    assert ran == [CALLS[-1]]


def test_a_reply_is_asked_for_and_read_where_we_look() -> None:
    made = inspect.signature(AnthropicLLMService._create_message_stream)
    assert list(made.parameters) == ["self", "api_call", "params"]
    assert list(inspect.signature(AnthropicLLMService._process_context).parameters) == [
        "self",
        "context",
    ]
