"""A Pipecat LLM service that answers from a script: no key, no model, the same answer each time."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path
from typing import Annotated, Any

from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pydantic import Field

from bargein.processors.llm_settings import unset_llm_settings
from bargein.processors.script_file import load_script
from bargein.processors.scripted_context import events_of
from bargein.script_calls import Call
from bargein.scripted_reply import reply_to

TOKEN = re.compile(r"\S+\s*")


class ScriptedLLM(LLMService[Any]):
    """Answers the last user message of a context as its script says, and calls tools.

    What was ordered so far and what was asked follow from the user messages and the results of
    tools, so it keeps no state between contexts, and an answer cut short in the context changes
    nothing. A context without a user message gets the greeting. System messages are not read.
    The answer streams as words at a set rate; an interruption ends it at any word. The tools of an
    answer are called behind its last word, whether the context names them or not.
    """

    def __init__(
        self,
        *,
        script: Annotated[Path, Field(description="The YAML file of the script.")],
        tokens_per_second: Annotated[
            float, Field(gt=0, description="How fast the answer's words come, as a model's would.")
        ] = 60.0,
    ) -> None:
        """Read and check the script; raises `ConfigError` with file, line and column."""
        super().__init__(settings=unset_llm_settings("scripted"))
        self.script = load_script(script)
        self._token_s = 1 / tokens_per_second

    @property
    def examples(self) -> tuple[str, ...]:
        """What one can say, for display."""
        return self.script.examples

    def can_generate_metrics(self) -> bool:
        """Say that times to first byte and processing times are measured."""
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context; pass on all else."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self._answer(frame.context)
        else:
            await self.push_frame(frame, direction)

    async def _answer(self, context: LLMContext) -> None:
        await self.push_frame(LLMFullResponseStartFrame())
        await self.start_processing_metrics()
        await self.start_ttfb_metrics()
        try:
            reply = reply_to(self.script, events_of(context))
            for token in TOKEN.findall(reply.text):
                await asyncio.sleep(self._token_s)
                await self.stop_ttfb_metrics()
                await self._push_llm_text(token)
            await self.run_function_calls([_proposed(call, context) for call in reply.calls])
        finally:
            await self.stop_processing_metrics()
            await self.push_frame(LLMFullResponseEndFrame())


def _proposed(call: Call, context: LLMContext) -> FunctionCallFromLLM:
    return FunctionCallFromLLM(
        function_name=call.tool,
        tool_call_id=f"call_{uuid.uuid4().hex}",
        arguments=call.arguments,
        context=context,
    )
