"""Several services of one kind stand as one part: `use: [first, second]`.

The plug around `failover.py`. All of them are started; one works. When it tells an error, or says
nothing for too long, the next takes over, with what the first was given and has not done
(`work_in_flight.py`). What a service makes that does not work any more goes nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Annotated, Any

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    FunctionCallsStartedFrame,
    InterruptionFrame,
    StartFrame,
    SystemFrame,
)
from pipecat.pipeline.base_pipeline import BasePipeline
from pipecat.pipeline.pipeline import Pipeline, PipelineSink, PipelineSource
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.utils.errors import ErrorCategory
from pydantic import Field

from bargein.failover import Cause, FailedOver, Ranks
from bargein.ledger.watcher import NOBODY, Watcher
from bargein.processors.clock import monotonic_ms
from bargein.processors.vendor import without_keys
from bargein.processors.work_in_flight import Answering, Hearing, Speaking, Work

SILENT_MS: Mapping[type[Work], int] = {Answering: 5_000, Hearing: 5_000, Speaking: 2_000}
"""A voice's is less than the 3 s after which Pipecat calls words spoken of which no sound came."""
LIFECYCLE = (StartFrame, EndFrame, CancelFrame)


class Failover(BasePipeline):
    """One part out of several of its kind, the first that works."""

    def __init__(
        self,
        *,
        silent_ms: Annotated[
            int | None,
            Field(
                ge=300,
                le=60_000,
                description=(
                    "An LLM or a voice that makes nothing of its work for so long has failed; "
                    "null is 5000 for an LLM and 2000 for a voice."
                ),
            ),
        ] = None,
        retry_after_ms: Annotated[
            int,
            Field(
                ge=1_000,
                le=3_600_000,
                description=(
                    "After so long one that failed is tried again, unless it was refused. "
                    "Recognisers are not: the one that took over stays until the call's end."
                ),
            ),
        ] = 60_000,
    ) -> None:
        """Take the settings; `hold` gives it the services."""
        super().__init__(enable_direct_mode=True)
        self._silent_ms = silent_ms
        self._news_ms = 0.0
        self._retry_after_ms = retry_after_ms
        self._watcher: Watcher = NOBODY
        self._order = asyncio.Lock()
        self._bot_speaking = False
        self._silence: asyncio.Task[None] | None = None
        self._replacing: set[asyncio.Task[None]] = set()
        """What is not to be broken off, as the waiting for a sound is."""
        self._causes: dict[int, Cause] = {}
        self._starting: list[asyncio.Task[None]] = []
        self._switched = asyncio.Event()
        self._arrived: set[tuple[int, int]] = set()
        self._on_their_way: list[Frame] = []

    def hold(self, services: Sequence[FrameProcessor], names: Sequence[str]) -> None:
        """Take the services, in the order of preference; called once, before it is wired."""
        self.services, self._names = tuple(services), tuple(names)
        self._ranks = Ranks(len(services), retry_after_ms=self._retry_after_ms)
        self._work = _work_of(services[0])
        self._silent_ms = self._silent_ms or SILENT_MS[type(self._work)]
        self._lines = [self._line(which) for which in range(len(services))]

    def attach(self, watcher: Watcher) -> None:
        """Say who hears of it when another one takes over."""
        self._watcher = watcher

    @property
    def active(self) -> FrameProcessor:
        """The service that works."""
        return self.services[self._ranks.active]

    @property
    def is_usable(self) -> bool:
        """Whether any of them can work."""
        return any(service.is_usable for service in self.services)

    @property
    def processors(self) -> list[FrameProcessor]:
        """The services, for whoever walks a pipeline."""
        return list(self._lines)

    @property
    def entry_processors(self) -> list[FrameProcessor]:
        """Where frames go in."""
        return list(self._lines)

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Set up all of them; it is done when the one that works is, whichever that is by then.

        As `Pipeline.setup` of pipecat 1.14 does it, but that nobody waits for one that fails.
        """
        await super().setup(setup)
        self._setup_finished()
        self._starting = [self._create_setup_task(line, setup) for line in self._lines]
        while not self._starting[self._ranks.active].done():
            self._switched.clear()
            switched = asyncio.ensure_future(self._switched.wait())
            waiting = (self._starting[self._ranks.active], switched)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            switched.cancel()

    async def cleanup(self) -> None:
        """End all of them."""
        await super().cleanup()
        self._stop_waiting()
        for task in (*self._starting, *self._replacing):
            await self.cancel_task(task)
        await self._cleanup_processors(self._lines)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Give frames to the one that works; all of them start and end."""
        await super().process_frame(frame, direction)
        async with self._order:
            if isinstance(frame, LIFECYCLE):
                self._on_their_way.append(frame)
                for line in self._lines:
                    await line.queue_frame(frame, direction)
                return
            if direction is FrameDirection.DOWNSTREAM:
                self._note(frame)
            elif isinstance(frame, BotStartedSpeakingFrame | BotStoppedSpeakingFrame):
                self._bot_speaking = isinstance(frame, BotStartedSpeakingFrame)
            await self._lines[self._ranks.active].queue_frame(frame, direction)

    def _note(self, frame: Frame) -> None:
        if self._work.begins(frame) and self._ranks.work_begins(monotonic_ms()):
            logger.info("{}: {} is tried again", self, self._names[self._ranks.active])
        self._work.given(frame)
        self._wait_or_not(frame)

    # --- what comes out ------------------------------------------------------------------

    def _line(self, which: int) -> Pipeline:
        async def up(frame: Frame, direction: FrameDirection) -> None:
            await self._came_up(which, frame, direction)

        async def down(frame: Frame, direction: FrameDirection) -> None:
            await self._came_down(which, frame, direction)

        name = f"{self}::{which}"
        source = PipelineSource(up, name=f"{name}::Source")
        sink = PipelineSink(down, name=f"{name}::Sink")
        return Pipeline([self.services[which]], source=source, sink=sink)

    async def _came_down(self, which: int, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, LIFECYCLE):
            self._arrived.add((which, frame.id))
            await self._pass_lifecycle()
        elif which == self._ranks.active and self._work.made(frame):
            self._wait_or_not(frame)
            await self.push_frame(frame, direction)

    async def _pass_lifecycle(self) -> None:
        """Pass on what the one that works has passed on; a later one may work by then."""
        for frame in list(self._on_their_way):
            if (self._ranks.active, frame.id) in self._arrived and frame in self._on_their_way:
                self._on_their_way.remove(frame)
                await self.push_frame(frame, FrameDirection.DOWNSTREAM)

    async def _came_up(self, which: int, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, ErrorFrame) and frame.processor is self.services[which]:
            await self._take_error(which, frame)
        elif which == self._ranks.active:
            await self.push_frame(frame, direction)

    # --- when one fails ------------------------------------------------------------------

    async def _take_error(self, which: int, error: ErrorFrame) -> None:
        """Have the next one take over; where there is none, the error is the pipeline's."""
        if error.category is ErrorCategory.APPLICATION:
            await self.push_frame(error, FrameDirection.UPSTREAM)
            return
        works = self.services[which].is_usable
        logger.warning("{}: {} failed: {}", self, self._names[which], without_keys(error.error))
        cause = Cause.FAILED if works else Cause.REFUSED
        # Whoever waits here may be interrupted, or be the failed one itself, which is ended.
        await asyncio.shield(self._replace(self._failed(which, cause, error)))

    def _replace(self, replacing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.create_task(replacing, "replacing")
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        return task

    async def _failed(self, which: int, cause: Cause, error: ErrorFrame) -> None:
        async with self._order:
            if cause is Cause.SILENT and not self._is_silent:
                return  # it had only just begun
            self._causes[which] = cause
            is_active, now_ms = which == self._ranks.active, monotonic_ms()
            if self._ranks.failed(which, now_ms, for_good=cause is Cause.REFUSED):
                await self._hand_over(which, cause, now_ms)
                return
        if is_active:
            await self._tell(error)

    async def _hand_over(self, which: int, cause: Cause, now_ms: float) -> None:
        took_over = self._ranks.active
        self._switched.set()
        names = self._names[which], self._names[took_over]
        logger.warning("{}: {} takes over from {} ({})", self, names[1], names[0], cause)
        self._watcher.failed_over(FailedOver(*names, cause, now_ms))
        await self._pass_lifecycle()
        for frame in self._work.ending():
            await self.push_frame(frame, FrameDirection.DOWNSTREAM)
        for frame in self._work.again():
            await self._lines[took_over].queue_frame(frame, FrameDirection.DOWNSTREAM)
        self._stop_waiting()
        self._wait_or_not()
        # It stops what it is still at.
        await self._lines[which].queue_frame(InterruptionFrame(), FrameDirection.DOWNSTREAM)

    async def _tell(self, error: ErrorFrame) -> None:
        """Nobody is left: say so, and let the pipeline know."""
        causes = ", ".join(f"{self._names[i]} ({cause})" for i, cause in self._causes.items())
        logger.error("{}: nobody is left, all have failed: {}", self, causes)
        await self.push_frame(error, FrameDirection.UPSTREAM)

    # --- when one is silent --------------------------------------------------------------

    def _wait_or_not(self, news: Frame | None = None) -> None:
        """Something went in, or came out: wait for the next of what was asked for, if there is.

        What only passes, as the microphone does all the time, is no sign of life.
        """
        if not isinstance(news, SystemFrame) or isinstance(news, FunctionCallsStartedFrame):
            self._news_ms = monotonic_ms()
        if not self._work.waits:
            self._stop_waiting()
        elif self._silence is None:
            self._silence = self.create_task(self._watch_silence(), "silence")

    @property
    def _is_silent(self) -> bool:
        assert self._silent_ms
        return self._work.waits and monotonic_ms() - self._news_ms >= self._silent_ms

    def _stop_waiting(self) -> None:
        silence, self._silence = self._silence, None
        if silence:
            silence.cancel()

    async def _watch_silence(self) -> None:
        assert self._silent_ms
        while (left_ms := self._news_ms + self._silent_ms - monotonic_ms()) > 0:
            await asyncio.sleep(left_ms / 1000)
            if self._bot_speaking and self._work.may_be_held:
                self._news_ms = monotonic_ms()
        self._silence = None
        which = self._ranks.active
        said = f"{self._names[which]} made nothing of its work for {self._silent_ms} ms"
        logger.warning("{}: {}", self, said)
        error = ErrorFrame(said, processor=self.services[which])
        self._replace(self._failed(which, Cause.SILENT, error))


def members(part: FrameProcessor) -> tuple[FrameProcessor, ...]:
    """The services that a part stands for: itself, unless it is several."""
    return part.services if isinstance(part, Failover) else (part,)


def _work_of(service: Any) -> Work:
    if isinstance(service, LLMService):
        return Answering()
    return Hearing() if isinstance(service, STTService) else Speaking()
