"""How one service takes over from another: nothing in the queue is lost, nothing breaks it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from loguru import logger
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    MetricsFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService

from bargein.processors.failover import Failover
from tests.vendors.test_services import Send, Tap, running

pytestmark = pytest.mark.pipeline

SILENT_MS = 150
BOUND_S = 5


class ScriptedModel(LLMService):
    """Answers with a text, and then hangs or ends."""

    def __init__(self, text: str = "", *, hangs: bool = False) -> None:
        super().__init__()
        self._text, self._hangs = text, hangs
        self.interrupted = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self.interrupted.set()
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        if self._text:
            await self.push_frame(LLMTextFrame(self._text))
        if self._hangs:
            await asyncio.Event().wait()
        await self.push_frame(LLMFullResponseEndFrame())


class SlowToEnd(Failover):
    """Holds the end of a reply until it may go."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.ending, self.may_end = asyncio.Event(), asyncio.Event()

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        if isinstance(frame, LLMFullResponseEndFrame):
            self.ending.set()
            await asyncio.wait_for(self.may_end.wait(), BOUND_S)
        await super().push_frame(frame, direction)


class Before(FrameProcessor):
    """Stands before a part, and keeps the errors that come up."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[ErrorFrame] = []
        self.told = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, ErrorFrame):
            self.errors.append(frame)
            self.told.set()
            return
        await self.push_frame(frame, direction)


@asynccontextmanager
async def talking(part: Failover, *services: FrameProcessor) -> AsyncIterator[tuple[Send, Tap]]:
    """The services as one part, called a, b, ..."""
    part.hold(services, "abc"[: len(services)])
    async with running(part) as (send, tap):
        yield send, tap


def context() -> LLMContextFrame:
    return LLMContextFrame(LLMContext([{"role": "user", "content": "Tea, please."}]))


def said(tap: Tap) -> list[str]:
    return [each.text for each in tap.frames if isinstance(each, LLMTextFrame | TTSSpeakFrame)]


async def test_what_is_to_be_said_behind_a_hung_llm_is_said_when_the_next_one_has_answered() -> (
    None
):
    services = ScriptedModel(hangs=True), ScriptedModel("Tea it is.")
    async with talking(Failover(silent_ms=SILENT_MS), *services) as (send, tap):
        await send(context())
        await send(TTSSpeakFrame("One moment."))
        await tap.until(lambda: len(said(tap)) == 2)
        await tap.until(lambda: services[0].interrupted.is_set())
        assert said(tap) == ["Tea it is.", "One moment."]


async def test_it_is_said_when_the_reply_before_it_has_broken_off() -> None:
    services = ScriptedModel("Tea", hangs=True), ScriptedModel("Not asked.")
    async with talking(Failover(silent_ms=SILENT_MS), *services) as (send, tap):
        await send(context())
        await send(TTSSpeakFrame("One moment."))
        await tap.until(lambda: len(said(tap)) == 2)
        kinds = [type(each) for each in tap.frames]
        assert said(tap) == ["Tea", "One moment."]
        assert kinds.index(LLMFullResponseEndFrame) < kinds.index(TTSSpeakFrame)


async def test_a_microphone_that_passes_is_no_sign_of_life() -> None:
    services = ScriptedModel(hangs=True), ScriptedModel("Tea it is.")
    async with talking(Failover(silent_ms=SILENT_MS), *services) as (send, tap):
        await send(context())
        async with asyncio.timeout(BOUND_S):
            while not said(tap):
                await send(InputAudioRawFrame(bytes(640), 16_000, 1))
                await asyncio.sleep(0.02)
        assert said(tap) == ["Tea it is."]


async def test_a_switch_that_has_begun_is_not_broken_off_by_what_the_next_one_says() -> None:
    part = SlowToEnd(silent_ms=SILENT_MS)
    services = ScriptedModel("Tea", hangs=True), ScriptedModel("Tea it is.")
    async with talking(part, *services) as (send, tap):
        await send(context())
        await asyncio.wait_for(part.ending.wait(), BOUND_S)
        # The reply is over, so nothing more is waited for.
        await services[1].push_frame(MetricsFrame(data=[]))
        await tap.until(lambda: bool(tap.all(MetricsFrame)))
        part.may_end.set()
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
        await asyncio.wait_for(services[0].interrupted.wait(), BOUND_S)
        await send(context())
        await tap.until(lambda: len(said(tap)) == 2)
        assert said(tap) == ["Tea", "Tea it is."]


async def test_where_the_last_one_is_silent_too_the_error_is_told_with_what_became_of_each() -> (
    None
):
    part, before, lines = Failover(silent_ms=SILENT_MS), Before(), list[str]()
    services = ScriptedModel(hangs=True), ScriptedModel(hangs=True)
    part.hold(services, "ab")
    sink = logger.add(lines.append, level="ERROR", format="{message}")
    try:
        async with running(Pipeline([before, part])) as (send, _):
            await send(context())
            await asyncio.wait_for(before.told.wait(), BOUND_S)
    finally:
        logger.remove(sink)
    (error,) = before.errors
    assert error.processor is services[1]
    assert error.error == f"b made nothing of its work for {SILENT_MS} ms"
    (line,) = (line for line in lines if "nobody is left" in line)
    assert line.strip().endswith("nobody is left, all have failed: a (silent), b (silent)")
