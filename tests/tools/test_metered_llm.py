"""What an LLM reads and writes is counted, whatever becomes of the reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from pipecat.frames.frames import (
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
    TTSSpeakFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.processors.failover import Failover
from bargein.processors.meter import Meter, Spending
from bargein.processors.metered_llm import CHARACTERS_PER_TOKEN, make_metered
from bargein.processors.openai_llm import OpenAILLM
from bargein.processors.provisional_llm import BRANCH, make_provisional
from bargein.tools.budget import Limits, TokenPrice
from tests.vendors.latency import Writing
from tests.vendors.openai import Answer, OpenAI
from tests.vendors.test_services import Send, Tap, running

pytestmark = pytest.mark.pipeline

REPLY = "Order 7, here you are. Is there more?"
WORDS = len(REPLY.split())
USAGE_PROMPT = 7
"""What the server says of any prompt."""
ASKED = "Tea, please. " * 20
PROMPT = len(str({"role": "user", "content": ASKED})) // CHARACTERS_PER_TOKEN


def asked(branch: int = 0) -> LLMContextFrame:
    frame = LLMContextFrame(LLMContext([{"role": "user", "content": ASKED}]))
    if branch:
        frame.metadata[BRANCH] = branch
    return frame


@dataclass(frozen=True)
class Running:
    """A service that is metered, and what it does."""

    meter: Meter
    server: OpenAI
    llm: OpenAILLM
    send: Send
    tap: Tap

    async def answers(self, count: int = 1, frame: LLMContextFrame | None = None) -> None:
        await self.send(frame or asked())
        await self.tap.until(lambda: len(self.tap.all(LLMFullResponseEndFrame)) == count)


@asynccontextmanager
async def metered(
    answer: Answer,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
) -> AsyncIterator[Running]:
    meter = Meter(Spending("anna", session=limits, price=TokenPrice(0.001, 0.01)))
    await meter.open()
    server = OpenAI(lambda _: answer, lambda _: Writing(whole_ms=20))
    async with server.open() as url:
        llm = OpenAILLM(model="m", base_url=url)
        make_metered(llm, meter)
        async with running(llm) as (send, tap):
            yield Running(meter, server, llm, send, tap)


async def test_the_services_own_count_takes_the_place_of_the_estimate() -> None:
    async with metered(Answer(REPLY)) as bot:
        await bot.answers()
        assert bot.meter.used.tokens == USAGE_PROMPT + WORDS
        assert bot.meter.used.cost == pytest.approx(USAGE_PROMPT * 0.001 + WORDS * 0.01)
        await bot.answers(2)
        assert bot.meter.used.tokens == 2 * (USAGE_PROMPT + WORDS)


async def test_a_reply_that_is_interrupted_is_charged_as_estimated() -> None:
    async with metered(Answer(REPLY, stalls_after=3)) as bot:
        await bot.send(asked())
        await bot.tap.until(lambda: len(bot.tap.all(LLMTextFrame)) == 3)
        await bot.send(InterruptionFrame())
        await bot.tap.until(lambda: bool(bot.tap.all(InterruptionFrame)))
        assert bot.meter.used.tokens == PROMPT + 3


async def test_a_prompt_that_would_go_past_the_limit_is_not_sent() -> None:
    async with metered(Answer(REPLY), Limits(tokens=PROMPT)) as bot:
        await bot.send(asked())
        async with asyncio.timeout(5):
            await bot.meter.spent.wait()
        await bot.send(TTSSpeakFrame("behind it"))
        await bot.tap.until(lambda: bool(bot.tap.all(TTSSpeakFrame)))
        assert bot.server.requests == []
        assert bot.meter.used.tokens == 0, "what was not asked costs nothing"


async def test_a_reply_that_is_begun_early_and_dropped_counts() -> None:
    async def nobody() -> None:
        raise AssertionError("nobody else wants a reply")

    async with metered(Answer(REPLY)) as bot:
        provisional = make_provisional(bot.llm, context=LLMContext(), void=nobody)
        provisional.begin(1)
        await bot.answers(frame=asked(branch=1))
        provisional.drop(1)
        assert bot.meter.used.tokens == USAGE_PROMPT + WORDS
        # One that comes after its end is not asked for, and costs nothing.
        await bot.send(asked(branch=1))
        await bot.answers(2)
        assert bot.meter.used.tokens == 2 * (USAGE_PROMPT + WORDS)


USAGES = [
    (LLMTokenUsage(prompt_tokens=50, completion_tokens=5, total_tokens=55), 55),
    # From a cache: Anthropic leaves it out of the prompt, OpenAI does not; the total has it.
    (
        LLMTokenUsage(
            prompt_tokens=10, completion_tokens=5, total_tokens=55, cache_read_input_tokens=40
        ),
        55,
    ),
    (LLMTokenUsage(prompt_tokens=50, completion_tokens=5, total_tokens=0), 55),
]


@pytest.mark.parametrize(("usage", "tokens"), USAGES)
async def test_tokens_from_a_cache_count_too(usage: LLMTokenUsage, tokens: int) -> None:
    async with metered(Answer("")) as bot:
        before = bot.meter.used.tokens
        await bot.llm.start_llm_usage_metrics(usage)
        assert bot.meter.used.tokens - before == tokens


async def test_all_llms_of_a_list_are_metered() -> None:
    meter = Meter(Spending("anna"))
    await meter.open()
    several = Failover()
    several.hold([OpenAILLM(model=name, base_url="http://127.0.0.1:9/v1") for name in "ab"], "ab")
    make_metered(several, meter)
    names = [type(each).__mro__[1].__name__ for each in several.services]
    assert names == ["MeteredLLM", "MeteredLLM"]


def test_the_estimate_is_of_what_is_sent() -> None:
    assert pytest.approx(len(json.dumps(ASKED)) / CHARACTERS_PER_TOKEN, rel=0.2) == PROMPT
