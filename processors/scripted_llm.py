"""A Pipecat LLM service that answers from a script: no key, no model, the same answer each time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pydantic import Field

from bargein.conversation import reply_to
from bargein.processors.llm_settings import unset_llm_settings
from bargein.processors.script_file import load_script

TOKEN = re.compile(r"\S+\s*")


class ScriptedLLM(LLMService[Any]):
    """Answers the last user message of a context as its script says.

    What was ordered so far and what was asked follow from the user messages alone, so it keeps no
    state between contexts, and an answer cut short in the context changes nothing. A context
    without a user message gets the greeting. System and developer messages are not read, tools not
    called. The answer streams as words at a set rate; an interruption ends it at any word.
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
            answer = reply_to(self.script, user_texts(context))
            for token in TOKEN.findall(answer):
                await asyncio.sleep(self._token_s)
                await self.stop_ttfb_metrics()
                await self._push_llm_text(token)
        finally:
            await self.stop_processing_metrics()
            await self.push_frame(LLMFullResponseEndFrame())


def user_texts(context: LLMContext) -> Iterator[str]:
    """Give the text of each user message of a context, in order."""
    for message in context.get_messages():
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content") or ""
            if isinstance(content, str):
                yield content
            else:
                parts: list[Any] = [part for part in content if isinstance(part, dict)]
                yield " ".join(part["text"] for part in parts if part.get("type") == "text")
