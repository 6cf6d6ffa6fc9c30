"""An LLM behind OpenAI's API: tools, keys, and what goes wrong."""

from __future__ import annotations

import asyncio
import json

import pytest
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    FunctionCallResultFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.llm_service import FunctionCallParams

from bargein.errors import ConfigError
from bargein.processors.openai_llm import OpenAILLM
from tests.vendors.latency import Writing
from tests.vendors.openai import Answer, OpenAI, Status
from tests.vendors.test_services import REPLY, running

SYSTEM = "You sell tea."


def context(*tools: FunctionSchema) -> LLMContextFrame:
    asked = LLMContext([{"role": "user", "content": "Tea, please."}])
    if tools:
        asked.set_tools(ToolsSchema(list(tools)))
    return LLMContextFrame(asked)


@pytest.mark.pipeline
async def test_a_local_server_is_asked_without_a_key_and_writes_token_by_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-secret-of-openai")
    server = OpenAI(lambda _: Answer(REPLY))
    async with server.open() as url:
        llm = OpenAILLM(model="llama3.2", base_url=url, system=SYSTEM, max_tokens=50)
        async with running(llm) as (send, tap):
            await send(context())
            await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    assert [each.text for each in tap.all(LLMTextFrame)][:3] == ["Order ", "7, ", "here "]
    (request,) = server.requests
    assert request.key == "none"
    assert request.said == [SYSTEM, "Tea, please."]
    assert (request.body["model"], request.body["max_tokens"]) == ("llama3.2", 50)
    assert not request.cancelled


@pytest.mark.pipeline
async def test_a_server_of_ones_own_gets_the_key_that_is_named_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUR_KEY", "ours")
    server = OpenAI(lambda _: Answer(REPLY))
    async with server.open() as url:
        llm = OpenAILLM(model="m", base_url=url, key_variable="OUR_KEY")
        async with running(llm) as (send, tap):
            await send(context())
            await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    assert [each.key for each in server.requests] == ["ours"]


@pytest.mark.parametrize(
    ("url", "named", "variable"),
    [
        ("https://api.openai.com/v1", None, "OPENAI_API_KEY"),
        ("http://llm.example/v1", "NO_SUCH", "NO_SUCH"),
    ],
)
def test_a_key_that_is_wanted_and_not_there_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, url: str, named: str | None, variable: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigError, match=f"has no {variable}.*export {variable}="):
        OpenAILLM(model="m", base_url=url, key_variable=named)


def test_a_key_in_the_place_of_its_variable_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="key_variable names the environment") as refused:
        OpenAILLM(model="m", base_url="http://llm.example/v1", key_variable="sk-the-key-itself")
    assert "sk-the" not in str(refused.value)


@pytest.mark.pipeline
async def test_a_reply_that_is_interrupted_is_cancelled_at_the_server() -> None:
    server = OpenAI(lambda _: Answer(REPLY), lambda _: Writing(whole_ms=8000))
    async with server.open() as url, running(OpenAILLM(model="m", base_url=url)) as (send, tap):
        await send(context())
        await tap.until(lambda: bool(tap.all(LLMTextFrame)))
        await send(InterruptionFrame())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    (request,) = server.requests
    assert request.cancelled
    assert request.tokens < 3


@pytest.mark.pipeline
async def test_a_tool_runs_with_the_arguments_that_the_model_has_written() -> None:
    order = FunctionSchema("order", "Orders.", {"item": {"type": "string"}}, ["item"])
    server = OpenAI(lambda _: Answer("One moment. ", tool="order", arguments='{"item": "tea"}'))
    called: list[object] = []

    async def take(params: FunctionCallParams) -> None:
        called.append(params.arguments)
        await params.result_callback({"number": 7})

    async with server.open() as url:
        llm = OpenAILLM(model="m", base_url=url)
        llm.register_function("order", take)
        async with running(llm) as (send, tap):
            await send(context(order))
            await tap.until(lambda: bool(tap.all(FunctionCallResultFrame)))
    assert called == [{"item": "tea"}]
    offered = server.requests[0].body["tools"]
    assert json.dumps(offered).count('"order"') == 1


@pytest.mark.pipeline
@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (Answer(status=Status.NO_KEY), 1),
        (Answer(status=Status.NO_MODEL), 1),
        (Answer(status=Status.BUSY), 2),
    ],
)
async def test_what_may_pass_is_asked_again_and_what_is_refused_is_not(
    answer: Answer, asked: int
) -> None:
    server = OpenAI(lambda _: answer)

    async def ask() -> None:
        async with server.open() as url:
            llm = OpenAILLM(model="m", base_url=url, retries=1)
            async with running(llm) as (send, tap):
                await send(context())
                await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))

    with pytest.raises(AssertionError, match=answer.status.name):
        await ask()
    assert len(server.requests) == asked


@pytest.mark.pipeline
async def test_a_server_that_wants_to_be_asked_later_is_not_waited_for_past_the_stall() -> None:
    server = OpenAI(lambda _: Answer(status=Status.BUSY, retry_after_s=30))

    async def ask() -> None:
        async with server.open() as url:
            llm = OpenAILLM(model="m", base_url=url, retries=1, stall_ms=500)
            async with running(llm) as (send, tap):
                await send(context())
                await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))

    with pytest.raises(AssertionError, match="the server sent nothing for 500 ms"):
        await asyncio.wait_for(ask(), 8)
    assert len(server.requests) == 1
