"""A real pipeline around one service, whose frames a test can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import pytest
from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

PATIENCE_S = 10.0
"""How long a test waits for what must come; a slow machine may need some of it."""

FrameT = TypeVar("FrameT", bound=Frame)


class Tape(FrameProcessor):
    """The end of the pipeline: keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.changed = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        self.changed.set()
        await self.push_frame(frame, direction)


@dataclass
class Running:
    """A running pipeline: send frames into it, read what came out."""

    worker: PipelineWorker
    tape: Tape
    errors: list[str] = field(default_factory=list)

    async def send(self, *frames: Frame) -> None:
        for frame in frames:
            await self.worker.queue_frame(frame)

    def heard(self, kind: type[FrameT]) -> list[FrameT]:
        return [frame for frame in self.tape.frames if isinstance(frame, kind)]

    async def until(self, come: Callable[[], bool]) -> None:
        """Wait until `come` holds, which is asked again after each frame; bounded."""
        async with asyncio.timeout(PATIENCE_S):
            while not come():
                self.tape.changed.clear()
                await self.tape.changed.wait()

    async def next(self, kind: type[FrameT], number: int = 1) -> FrameT:
        """Wait for the frame of this kind with this number, counted from 1."""
        await self.until(lambda: len(self.heard(kind)) >= number)
        return self.heard(kind)[number - 1]


Run: TypeAlias = Callable[..., AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def running(*processors: FrameProcessor, output_hz: int = 24_000) -> AsyncIterator[Running]:
    """Run the processors in a pipeline, and end it at the end of the block."""
    tape = Tape()
    worker = PipelineWorker(
        Pipeline([*processors, tape]),
        params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=output_hz),
        enable_rtvi=False,
        idle_timeout_secs=None,
    )
    started = asyncio.Event()
    rig = Running(worker, tape)

    async def on_started(*_: object) -> None:
        started.set()

    async def on_error(_: object, error: object) -> None:
        rig.errors.append(str(error))
        tape.changed.set()

    worker.add_event_handler("on_pipeline_started", on_started)
    worker.add_event_handler("on_pipeline_error", on_error)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    run = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await started.wait()
        yield rig
    finally:
        await worker.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await run


@pytest.fixture
def run() -> Run:
    return running
