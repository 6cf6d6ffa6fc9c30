"""What any LLM service needs so that its tokens are counted, and nothing is asked past a limit.

Each request is counted by its characters at first, so that a reply that grows is stopped in
time, and by the service's own count once it tells one. A reply that is dropped counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from loguru import logger
from pipecat.frames.frames import Frame, LLMContextFrame, LLMTextFrame
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService

from bargein.processors.failover import members
from bargein.processors.meter import Meter

CHARACTERS_PER_TOKEN = 4
"""Of English, about; where a service does not count, or not yet."""


@dataclass(slots=True)
class Counted:
    """What was counted of the reply that is made."""

    prompt: int = 0
    completion: int = 0


class MeteredLLM(LLMService[Any]):
    """Stands right before an LLM service's class; `make_metered` puts it there."""

    _meter: Meter
    _counted: Counted

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Ask for no reply once a limit is reached, or would be by the prompt alone."""
        if isinstance(frame, LLMContextFrame):
            self._counted = Counted()
            prompt = _characters(frame.context) // CHARACTERS_PER_TOKEN
            self._count(prompt, 0)
            if self._meter.spent.is_set():
                self._count(-prompt, 0)
                logger.debug("{}: the budget is used up, no reply is asked for", self)
                return
        await super().process_frame(frame, direction)

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        """Count what is said, before the service does."""
        if isinstance(frame, LLMTextFrame):
            self._count(0, max(1, len(frame.text) // CHARACTERS_PER_TOKEN))
        await super().push_frame(frame, direction)

    async def start_llm_usage_metrics(self, tokens: LLMTokenUsage) -> None:
        """Take the service's own count in place of the estimate."""
        counted = self._counted
        # The total has what was read from a cache, too; some servers tell none.
        prompt = max(tokens.prompt_tokens, tokens.total_tokens - tokens.completion_tokens)
        self._count(prompt - counted.prompt, tokens.completion_tokens - counted.completion)
        await super().start_llm_usage_metrics(tokens)

    def _count(self, prompt: int, completion: int) -> None:
        self._counted.prompt += prompt
        self._counted.completion += completion
        self._meter.spend_tokens(prompt, completion)


def make_metered(part: FrameProcessor, meter: Meter) -> None:
    """Give the LLM service the behaviour above, or each of several: it may be of any class.

    To be called before other behaviours are put in front, so that all they let through counts.
    Tool calls are none of its business: their policy asks the meter.
    """
    for llm in members(part):
        kind = type(llm)
        llm.__class__ = type(kind.__name__, (MeteredLLM, kind), {})
        metered = cast(MeteredLLM, llm)
        metered._meter, metered._counted = meter, Counted()


def _characters(context: LLMContext) -> int:
    return sum(len(str(message)) for message in context.get_messages())
