"""The bot's half of the context: after an interruption it holds exactly what was heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pipecat.frames.frames import (
    Frame,
    FunctionCallCancelFrame,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallsStartedFrame,
    InterruptionFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage
from pipecat.processors.aggregators.llm_response_universal import (
    LLMAssistantAggregator,
    LLMUserAggregator,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.utils.string import TextPartForConcatenation
from pipecat.utils.time import time_now_iso8601

from bargein.cut import Cut
from bargein.processors.played_audio import COMMIT, HEARD

CUT_OFF = (
    'The user interrupted your last message after "{word}"; nothing after that word was heard.'
)
TOOL_FRAMES = (
    FunctionCallsStartedFrame,
    FunctionCallInProgressFrame,
    FunctionCallResultFrame,
    FunctionCallCancelFrame,
)
"""They race each other and the voice, and anybody can push one: `ToolCalls` alone writes calls and
their results into the context."""
NOT_HEARD = "The user went on speaking before your reply was heard; nothing of it was heard."


def _nobody(_: int) -> None:
    """Nobody wants to know."""


class AssistantContext(LLMAssistantAggregator):
    """Commits the played text that travels on the InterruptionFrame, and a note for the LLM.

    The assistant's message holds the played words and nothing else; the note is a
    developer message of its own. Nothing played leaves the note alone.
    """

    def __init__(
        self,
        context: LLMContext,
        *,
        user: LLMUserAggregator,
        wrote: Callable[[int], None] = _nobody,
    ) -> None:
        """Pair it with the user's half; `wrote` hears which message was committed last."""
        super().__init__(context, _paired_user_aggregator=user)
        self._cut: Cut | None = None
        self._written: list[LLMContextMessage] = []
        self._correction: Cut | None = None
        self._committed = 0
        self._wrote = wrote
        self._overtaken: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note which messages were committed: an interruption may overtake one."""
        if isinstance(frame, TOOL_FRAMES):
            await self.push_frame(frame, direction)
            return
        self._committed = frame.metadata.get(COMMIT, self._committed)
        await super().process_frame(frame, direction)
        if COMMIT in frame.metadata:
            self._wrote(self._committed)

    async def _handle_interruptions(self, frame: InterruptionFrame) -> None:
        cut = frame.metadata.get(HEARD)
        if not isinstance(cut, Cut):
            await super()._handle_interruptions(frame)
            return
        correction, self._correction = self._correction, None
        if correction and correction.number == cut.number:
            cut = correction
        self._overtaken = [text for number, text in cut.committed if number > self._committed]
        heard = self._heard(cut)
        self._aggregation = (
            [TextPartForConcatenation(heard, includes_inter_part_spaces=False)] if heard else []
        )
        # The interruption may have overtaken the frame that opens the bot's turn.
        self._assistant_turn_start_timestamp = (
            self._assistant_turn_start_timestamp or time_now_iso8601()
        )
        before = {id(each) for each in self._context.messages}
        await super()._handle_interruptions(frame)
        new = (each for each in self._context.messages if id(each) not in before)
        message = next((each for each in new if _is_text(each)), None)
        self._cut, self._written = cut, [message] if message else []
        self._wrote(max([self._committed, *(number for number, _ in cut.committed)]))
        if cut.remainder:
            note = _developer(heard)
            self._written.append(note)
            self._context.add_message(note)

    def correct(self, cut: Cut) -> None:
        """Rewrite what this interruption left: other words were heard after all.

        The correction may be faster than the InterruptionFrame, which waits for every
        teardown on its way; then it is kept until the frame is here.
        """
        if self._cut is None or self._cut.number < cut.number:
            self._correction = cut
        elif self._cut.number == cut.number:
            self._rewrite(cut)

    def _heard(self, cut: Cut) -> str:
        return " ".join(filter(None, [*self._overtaken, cut.heard_in_reply]))

    def _rewrite(self, cut: Cut) -> None:
        heard = self._heard(cut)
        written = [_assistant(heard)] if heard else []
        if cut.remainder:
            written.append(_developer(heard))
        messages: list[LLMContextMessage] = []
        place: int | None = None
        for each in self._context.messages:
            if any(each is old for old in self._written):
                place = len(messages) if place is None else place
            else:
                messages.append(each)
        if place is None:
            # Somebody has replaced the context since.
            return
        messages[place:place] = written
        self._cut, self._written = cut, written
        self._context.set_messages(messages)


def _assistant(text: str) -> LLMContextMessage:
    return cast(LLMContextMessage, {"role": "assistant", "content": text})


def _developer(heard: str) -> LLMContextMessage:
    text = CUT_OFF.format(word=heard.split()[-1]) if heard else NOT_HEARD
    return cast(LLMContextMessage, {"role": "developer", "content": text})


def _is_text(message: LLMContextMessage) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant" and "content" in message
