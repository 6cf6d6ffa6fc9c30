"""A reply goes to the voice in clauses: the plug around `clauses.py`, between the LLM and the TTS.

Tokens become `AggregatedTextFrame`s, which any Pipecat TTS service speaks as they are. A service
that takes single tokens (Pipecat's TOKEN mode) waits for nothing, so it gets the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pipecat.frames.frames import (
    AggregatedTextFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.tts_service import TextAggregationMode, TTSService
from pipecat.utils.text.base_text_aggregator import TextType
from pydantic import Field

from bargein.clauses import ClauseRules, Clauses, Piece
from bargein.errors import ConfigError
from bargein.processors.clock import Clock, LoopClock
from bargein.processors.failover import members

GOES_ON = "bargein_goes_on"
"""Key of an AggregatedTextFrame's metadata: true where its sentence is not over."""


class ClauseAggregator(FrameProcessor):
    """Hands the first clause of a reply to the TTS as soon as it can stand alone.

    What follows goes in whole sentences while the first is spoken, or in clauses where the voice
    would run dry. Joined with spaces the pieces are the LLM's text. An interruption leaves nothing
    behind. Processors that change the LLM's text stand before it.
    """

    def __init__(
        self,
        *,
        min_words: Annotated[
            int,
            Field(
                ge=1,
                le=20,
                description=(
                    "A shorter first clause is joined with what follows. "
                    "Five letters count as a word here, so a long word counts for several."
                ),
            ),
        ] = 2,
        max_words: Annotated[
            int,
            Field(
                ge=3,
                le=60,
                description=(
                    "Where no clause ends in so many words, the first piece ends at the best "
                    "place there is."
                ),
            ),
        ] = 8,
        bridge_ms: Annotated[
            int,
            Field(
                ge=0,
                le=10_000,
                description=(
                    "A whole sentence is waited for while the voice has more than this to say, "
                    "in milliseconds: what the TTS takes for its first audio, and some more."
                ),
            ),
        ] = 600,
    ) -> None:
        """Take the settings; raises `ConfigError` where they leave no room."""
        super().__init__()
        if min_words > max_words:
            raise ConfigError(
                f"min_words is {min_words}, but a piece has at most max_words, {max_words}."
                " Make max_words larger."
            )
        self._clauses = Clauses(ClauseRules(min_words, max_words, bridge_ms))
        self._clock: Clock = LoopClock()
        self._takes_tokens = False

    def attach(self, *, clock: Clock) -> None:
        """Take another clock; called once, before it runs."""
        self._clock = clock

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Gather the LLM's text; pass on all else."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM:
            await self.push_frame(frame, direction)
            return
        match frame:
            case StartFrame():
                self._takes_tokens = takes_tokens(self.next)
            case InterruptionFrame() | LLMFullResponseStartFrame():
                self._clauses.clear()
            case LLMFullResponseEndFrame() | EndFrame():
                await self._hand_over(self._clauses.end())
            case LLMTextFrame() if not (frame.skip_tts or self._takes_tokens):
                await self._hand_over(self._clauses.add(frame.text, self._clock.now_ms()))
                return
        await self.push_frame(frame, direction)

    async def _hand_over(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            frame = AggregatedTextFrame(piece.text, TextType.SENTENCE, raw_text=piece.text)
            frame.metadata[GOES_ON] = piece.goes_on
            await self.push_frame(frame)


def takes_tokens(part: FrameProcessor | None) -> bool:
    """Whether the first TTS service from here on wants the LLM's tokens as they are.

    The mode is private to pipecat 1.14; `tests/contracts/test_clauses.py` holds it.
    """
    while part:
        voice = members(part)[0]
        if isinstance(voice, TTSService):
            return voice._text_aggregation_mode is TextAggregationMode.TOKEN
        part = part.next
    return False
