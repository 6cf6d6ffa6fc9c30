"""The user's half of the context: only what belongs to a turn is written to it."""

from __future__ import annotations

from typing import Protocol

from pipecat.audio.turn.base_turn_analyzer import BaseTurnAnalyzer
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMUserAggregator,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from bargein.floor import Floor
from bargein.leftover import Leftover
from bargein.processors.end_of_turn import EndOfTurn, FloorTurnStart, TurnListener
from bargein.processors.floor_frames import FloorTakenFrame, WordsDroppedFrame
from bargein.processors.transcripts_frames import NoWordsFrame

JUDGED = (Floor.CONTESTED, Floor.LISTENING)
"""A verdict is open, or the turn that it opened has not begun here yet."""


class WordListener(TurnListener, Protocol):
    """Who wants to know the user's words; implemented by the interruption plug."""

    @property
    def floor(self) -> Floor:
        """Who has the floor."""

    def words(self, text: str, *, final: bool) -> None:
        """The words so far."""

    def speech_from_words(self) -> None:
        """These words take the floor: they came after the speech that they belong to."""


class UserContext(LLMUserAggregator):
    """Reports words to the arbiter, keeps them while a verdict is open, drops those of no turn."""

    def __init__(
        self,
        context: LLMContext,
        *,
        listener: WordListener,
        silence_s: float,
        analyzer: BaseTurnAnalyzer | None,
        passes_microphone: bool = True,
    ) -> None:
        """Build the aggregator with our turn strategies and nobody else's.

        Where nothing behind it listens to the microphone, its audio need not pass.
        """
        self._turn = EndOfTurn(listener=listener, silence_s=silence_s, analyzer=analyzer)
        strategies = UserTurnStrategies(start=[FloorTurnStart()], stop=[self._turn])
        super().__init__(
            context,
            params=LLMUserAggregatorParams(user_turn_strategies=strategies, empty_user_turn=None),
        )
        self._listener = listener
        self._passes_microphone = passes_microphone
        self._held: list[TranscriptionFrame] = []
        self._dropped = False
        self._leftover = Leftover()
        self._last_final = ""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Let transcripts through only when the user has the floor."""
        match frame:
            case InputAudioRawFrame():
                # The end of a turn is all that needs it; the aggregator would ask everybody.
                await self._turn.process_frame(frame)
                if self._passes_microphone:
                    await self.push_frame(frame, direction)
                return
            case TranscriptionFrame() | InterimTranscriptionFrame():
                if not self._admit(frame):
                    return
            case NoWordsFrame():
                self._leftover.forget()
            case VADUserStartedSpeakingFrame():
                self._dropped = False
            case WordsDroppedFrame():
                # What the recogniser still says is about speech that was no turn.
                self._held.clear()
                self._leftover.reject()
                self._dropped = True
                return
            case FloorTakenFrame():
                self._leftover.forget()
                self._dropped = False
        await super().process_frame(frame, direction)
        if isinstance(frame, FloorTakenFrame):
            for each in self._held:
                self._last_final = each.text
                await super().process_frame(each, direction)
            self._held.clear()

    @property
    def _deaf(self) -> bool:
        """A sound was rejected, and nothing has been heard since that might be a turn."""
        return self._dropped and self._listener.floor not in JUDGED

    def _admit(self, frame: TranscriptionFrame | InterimTranscriptionFrame) -> bool:
        """Report the words; whether the frame belongs to the turn now open."""
        final = isinstance(frame, TranscriptionFrame)
        frame.text = self._leftover.strike(frame.text, final=final)
        if self._deaf:
            self._leftover.reject()
            return False
        if not frame.text.strip():
            return True
        self._listener.words(frame.text, final=final)
        if isinstance(frame, InterimTranscriptionFrame):
            return self._turn.open
        if not self._turn.open or self._held:
            # Also between the verdict and the turn that it opens.
            self._hold(frame)
            return False
        self._last_final = frame.text
        return True

    def _hold(self, frame: TranscriptionFrame) -> None:
        """Keep a final transcript for the turn that it belongs to, if there will be one."""
        floor = self._listener.floor
        late = floor is Floor.PROCESSING and frame.text != self._last_final
        if floor is Floor.IDLE or late or self._turn.words_owed:
            self._listener.speech_from_words()
        if self._listener.floor in JUDGED:
            self._held.append(frame)
