"""Parts that can be made: one can't work, one ends the conversation."""

from __future__ import annotations

from pipecat.frames.frames import CancelWorkerFrame, Frame, StartFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection

from bargein.processors.scripted_llm import ScriptedLLM


class GivesUp(ScriptedLLM):
    """Finds out at the start that it can't do its work."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Give up at the start."""
        if isinstance(frame, StartFrame):
            await self.set_usable(False)
            await self.push_error("there is no account")
        await super().process_frame(frame, direction)


class HangsUp(ScriptedLLM):
    """Ends the conversation when it is asked."""

    async def _answer(self, context: LLMContext) -> None:
        await self.push_frame(CancelWorkerFrame(), FrameDirection.UPSTREAM)
