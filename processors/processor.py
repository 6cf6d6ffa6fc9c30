"""The base of a processor of your own: write one method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    StartFrame,
    StopFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

PassOn: TypeAlias = Frame | Iterable[Frame] | None
ALWAYS_PASSED_ON = (StartFrame, EndFrame, CancelFrame, StopFrame, InterruptionFrame)


class Processor(FrameProcessor):
    """Subclass it and write `on_frame`; its constructor's keywords are keys in the YAML.

    A subclass with a constructor calls `super().__init__()` in it. Whoever needs more than
    this subclasses Pipecat's own FrameProcessor.
    """

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__()

    async def on_frame(self, frame: Frame) -> PassOn:
        """Take a frame on its way to the loudspeaker; give what goes on: it, others, or None.

        Frames that travel the other way, and those that start, end and interrupt a
        pipeline, are passed on without it. What it raises is logged and reported to the
        client; the frame is lost, the session lives. Audio and other urgent frames come
        from another task than text, so the order between the two is not promised.
        """
        return frame

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Ask `on_frame`, and push what it gives."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM or isinstance(frame, ALWAYS_PASSED_ON):
            await self.push_frame(frame, direction)
            return
        given = await self.on_frame(frame)
        if isinstance(given, Frame):
            await self.push_frame(given, direction)
        elif given is not None:
            for each in given:
                await self.push_frame(each, direction)
