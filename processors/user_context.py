"""The user's half of the context: only what belongs to a turn is written to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from pipecat.frames.frames import (
    EagerTranscriptionFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMMessagesAppendFrame,
    LLMMessagesTransformFrame,
    LLMMessagesUpdateFrame,
    LLMRunFrame,
    LLMSetToolChoiceFrame,
    LLMSetToolsFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage
from pipecat.processors.aggregators.llm_response_universal import (
    LLMUserAggregator,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601

from bargein.endpointing import EndpointRules
from bargein.floor import Floor
from bargein.late_words import Late, LateWords
from bargein.ledger.watcher import NOBODY, Watcher
from bargein.leftover import Leftover
from bargein.matching import MatchPolicy
from bargein.processors.clock import monotonic_ms
from bargein.processors.end_of_turn import (
    EndOfTurn,
    FloorTurnStart,
    TurnListener,
    longest_wait_s,
)
from bargein.processors.floor_frames import FloorTakenFrame, WordsDroppedFrame
from bargein.processors.held_reply import DROPPED
from bargein.processors.provisional_llm import BRANCH
from bargein.processors.smart_turn import TurnAnalyzer
from bargein.processors.speculation import Speculation
from bargein.processors.transcripts_frames import NoWordsFrame
from bargein.speculation import Outcome, Prediction
from bargein.standing import Standing, Stood

JUDGED = (Floor.CONTESTED, Floor.LISTENING)
"""A verdict is open, or the turn that it opened has not begun here yet."""
SPEAKS_ITSELF = (
    TTSSpeakFrame,
    LLMRunFrame,
    LLMMessagesAppendFrame,
    LLMMessagesUpdateFrame,
    LLMMessagesTransformFrame,
    LLMSetToolsFrame,
    LLMSetToolChoiceFrame,
)
"""Whoever sends one makes the bot speak, or changes what a reply would be."""
TRANSCRIPTS = (TranscriptionFrame, InterimTranscriptionFrame, EagerTranscriptionFrame)
Transcript = TranscriptionFrame | InterimTranscriptionFrame | EagerTranscriptionFrame


class WordListener(TurnListener, Protocol):
    """Who wants to know the user's words; implemented by the interruption plug."""

    @property
    def floor(self) -> Floor:
        """Who has the floor."""

    def words(self, text: str, *, final: bool) -> None:
        """The words so far."""

    def speech_from_words(self) -> None:
        """These words take the floor: they came after the speech that they belong to."""


class Tools(Protocol):
    """The calls of the session; implemented by `ToolCalls`."""

    @property
    def asks(self) -> bool:
        """Whether what the user says now is the answer to a question."""

    def turn_over(self, text: str, *, began_ms: float, is_answered: bool) -> bool:
        """The words of a turn are about to be written; whether the LLM is to answer them.

        `began_ms` is when the user began to speak; `is_answered` says that the reply is there.
        """

    def turn_written(self) -> None:
        """They are."""


class UserContext(LLMUserAggregator):
    """Reports words to the arbiter, keeps them while a verdict is open, drops those of no turn.

    Words are told to the speculation, too, if there is one; provisional contexts set out here.
    """

    def __init__(
        self,
        context: LLMContext,
        *,
        listener: WordListener,
        rules: EndpointRules,
        analyzer: TurnAnalyzer | None,
        passes_microphone: bool = True,
        speculation: Speculation | None = None,
        watcher: Watcher = NOBODY,
        tools: Tools | None = None,
    ) -> None:
        """Build the aggregator with our turn strategies and nobody else's.

        Where nothing behind it listens to the microphone, its audio need not pass.
        """
        self._turn = EndOfTurn(
            listener=listener,
            rules=rules,
            analyzer=analyzer,
            may_stand=self._may_stand,
            confirms=self._settle,
        )
        strategies = UserTurnStrategies(start=[FloorTurnStart()], stop=[self._turn])
        super().__init__(
            context,
            params=LLMUserAggregatorParams(
                user_turn_strategies=strategies,
                user_turn_stop_timeout=longest_wait_s(rules),
                empty_user_turn=None,
            ),
        )
        self._began_ms = 0.0
        self._hears_onsets = False
        self._listener = listener
        self._passes_microphone = passes_microphone
        self._speculation = speculation
        self._watcher = watcher
        self._tools = tools
        self._held: list[TranscriptionFrame] = []
        self._dropped = False
        self._leftover = Leftover()
        self._last_final = ""
        self._partial = ""
        self._standing = Standing(speculation.policy if speculation else MatchPolicy())
        self._told = Told()
        self._late = LateWords(self._standing.policy)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Let transcripts through only when the user has the floor."""
        match frame:
            case InputAudioRawFrame():
                # The end of a turn is all that needs it; the aggregator would ask everybody.
                await self._turn.process_frame(frame)
                self._late.pass_audio(frame.num_frames * 1000 / frame.sample_rate)
                if self._passes_microphone:
                    await self.push_frame(frame, direction)
                return
            case TranscriptionFrame() | InterimTranscriptionFrame() | EagerTranscriptionFrame():
                if not self._admit(frame):
                    return
            case NoWordsFrame():
                self._leftover.forget()
                self._standing.forget()
                self._partial = ""
            case VADUserStartedSpeakingFrame():
                self._hears_onsets = True
                self._began_ms = monotonic_ms() - frame.start_secs * 1000
                self._dropped = False
                self._standing.speech_began()
                self._late.speech_began()
            case WordsDroppedFrame():
                # What the recogniser still says is about speech that was no turn.
                self._held.clear()
                self._leftover.reject()
                self._dropped = True
                self._partial = ""
                return
            case FloorTakenFrame():
                self._leftover.forget()
                self._dropped = False
        await self._maybe_void(frame, direction)
        await super().process_frame(frame, direction)
        if isinstance(frame, FloorTakenFrame):
            await self._open_turn(direction)
        elif isinstance(frame, TRANSCRIPTS):
            await self._tell_words(eager=isinstance(frame, EagerTranscriptionFrame))

    # --- provisional replies -----------------------------------------------------------

    async def begin_branch(self, prediction: Prediction) -> None:
        """Have these words answered, in a copy of the context."""
        asked = cast(LLMContextMessage, {"role": "user", "content": prediction.text})
        provisional = LLMContext(
            messages=[*self._context.messages, asked],
            tools=self._context.tools,
            tool_choice=self._context.tool_choice,
        )
        frame = LLMContextFrame(context=provisional)
        frame.metadata[BRANCH] = prediction.number
        await self.push_frame(frame)

    async def end_branch(self) -> None:
        """Have LLM and TTS stop that; the frame goes no further than the played-audio tracker."""
        frame = InterruptionFrame()
        frame.metadata[DROPPED] = True
        await self.push_frame(frame)

    async def _maybe_void(self, frame: Frame, direction: FrameDirection) -> None:
        """A provisional reply gives way to everything else that has the bot speak, or stop."""
        if self._speculation is None:
            return
        if isinstance(frame, SPEAKS_ITSELF):
            await self._speculation.void(Outcome.CONTEXT_CHANGED)
            if isinstance(frame, TTSSpeakFrame | LLMRunFrame) or getattr(frame, "run_llm", False):
                self._speculation.told_to_speak()
        elif isinstance(frame, InterruptionFrame):
            self._speculation.told_to_stop()
            await self._speculation.void(Outcome.ABANDONED)
        elif isinstance(frame, ErrorFrame) and direction is FrameDirection.UPSTREAM:
            await self._speculation.void(Outcome.FAILED)

    async def _open_turn(self, direction: FrameDirection) -> None:
        """The turn is open: what was kept for it belongs to it."""
        if self._speculation:
            self._speculation.turn_opened()
        if not self._hears_onsets:
            self._began_ms = monotonic_ms()
        self._late.turn_opened()
        for each in self._held:
            self._note_final(each.text)
            await super().process_frame(each, direction)
        self._held.clear()
        if self._partial:
            now = time_now_iso8601()
            await super().process_frame(
                InterimTranscriptionFrame(self._partial, "", now), direction
            )
        await self._tell_words()

    async def _tell_words(self, *, eager: bool = False) -> None:
        if self._speculation and self._turn.open:
            await self._speculation.words(self._words(), eager=eager)

    @property
    def _finals(self) -> str:
        """The words of the turn that are final."""
        return self.aggregation_string() if self._aggregation else ""

    def _words(self) -> str:
        """All words of the turn so far."""
        return f"{self._finals} {self._partial}".strip()

    def _may_stand(self) -> bool:
        """Whether the turn may end on partial words; a yes counts when the recogniser is sure."""
        if self._speculation is None or (self._tools and self._tools.asks):
            return False
        return self._speculation.may_stand()

    async def _settle(self) -> bool:
        """The turn is over, and what was told of it counts; whether its reply is there already."""
        partial, self._partial = self._partial, ""
        self._told = Told(finals=self._finals)
        if partial:
            self._standing.stand(partial)
            self._watcher.words_stand()
            self._listener.words(partial, final=True)
            await self._handle_transcription(TranscriptionFrame(partial, "", time_now_iso8601()))
        if self._speculation is None:
            return False
        return await self._speculation.settle(self._finals)

    async def _push_aggregation(self, *, run_llm: bool = True) -> str:
        """Write the turn to the context; the reply that is there already, if it is, is said."""
        asks_llm = run_llm
        if self._tools and self._aggregation:
            answers = self._tools.turn_over(
                self.aggregation_string(), began_ms=self._began_ms, is_answered=not run_llm
            )
            asks_llm = run_llm and answers
        written = await super()._push_aggregation(run_llm=asks_llm)
        if self._tools and written:
            self._tools.turn_written()
        self._partial = ""
        if written:
            self._told.message = self._context.messages[-1]
            self._late.turn_over(written)
        if not run_llm and self._speculation:
            await self._speculation.let_go()
        return written

    # --- whose words they are ----------------------------------------------------------

    @property
    def _deaf(self) -> bool:
        """A sound was rejected, and nothing has been heard since that might be a turn."""
        return self._dropped and self._listener.floor not in JUDGED

    def _admit(self, frame: Transcript) -> bool:
        """Report the words; whether the frame belongs to the turn now open."""
        final = isinstance(frame, TranscriptionFrame)
        frame.text = self._leftover.strike(frame.text, final=final)
        if self._deaf:
            self._leftover.reject()
            return False
        if not frame.text.strip():
            return True
        if isinstance(frame, TranscriptionFrame) and self._stands_already(frame):
            return False
        if isinstance(frame, TranscriptionFrame) and self._is_late(frame):
            # One without words still says that the recogniser has finished.
            return not frame.text
        self._listener.words(frame.text, final=final)
        if not isinstance(frame, TranscriptionFrame):
            # Also the first words of speech that is too short so far for a turn.
            may_be_turn = self._turn.open or self._listener.floor in (Floor.IDLE, *JUDGED)
            self._partial = frame.text if may_be_turn else ""
            self._late.guess()
            return self._turn.open
        self._partial = ""
        if not self._turn.open or self._held:
            # Also between the verdict and the turn that it opens.
            self._hold(frame)
            return False
        if self._speculation:
            self._speculation.learn(f"{self._words()} {frame.text}".strip())
        self._note_final(frame.text)
        return True

    def _note_final(self, text: str) -> None:
        self._last_final = text
        self._late.note(text)

    def _is_late(self, frame: TranscriptionFrame) -> bool:
        """Whether it is the same words again, or words that the turn was left without."""
        late = self._late.judge(frame.text)
        if late is Late.NEW or (late is Late.MORE and not self._may_be_more):
            return False
        if late is Late.AGAIN:
            frame.text = ""
            return True
        if self._late.turn:
            whole = self._late.whole(frame.text, late)
            heard = late is Late.MORE and self._listener.floor is Floor.SPEAKING
            # What was answered stands in the context; what was not is said behind it.
            if not self._take_back(frame, frame.text if heard else whole):
                self._told.rewrite(whole)
            return True
        frame.text = self._late.rest(frame.text)
        return False

    @property
    def _may_be_more(self) -> bool:
        """Whether words alone may take the floor: while the bot speaks, of a trusted recogniser."""
        if self._listener.floor is Floor.SPEAKING:
            return self._speculation is not None and self._speculation.trusts_words
        return self._listener.floor is Floor.PROCESSING

    def _hold(self, frame: TranscriptionFrame) -> None:
        """Keep a final transcript for the turn that it belongs to, if there will be one."""
        floor = self._listener.floor
        late = floor is Floor.PROCESSING and frame.text != self._last_final
        if floor is Floor.IDLE or late or self._turn.words_owed:
            self._listener.speech_from_words()
        if self._listener.floor in JUDGED:
            self._held.append(frame)

    def _stands_already(self, frame: TranscriptionFrame) -> bool:
        """Whether this is the final transcript of partial words on which the turn has ended.

        If it says something else, the turn is opened again, and all of it is answered anew.
        """
        late = self._standing.hear(frame.text, complete=frame.finalized)
        whole = f"{self._told.finals} {self._standing.late}".strip()
        if self._speculation and late in (Stood.SAME, Stood.OTHER):
            self._speculation.learn(whole)
        match late:
            case Stood.SAME:
                self._told.rewrite(whole)
                self._note_final(frame.text)
                self._late.turn_over(whole)
            case Stood.OTHER if self._turn.open:
                return False
            case Stood.OTHER if not self._take_back(frame, whole):
                # The user may not have the floor: the context is right at least.
                self._told.rewrite(whole)
            case _:
                pass
        return late is not Stood.UNRELATED

    def _take_back(self, frame: TranscriptionFrame, whole: str) -> bool:
        """The reply was to other words: open the turn again, if the user may have the floor."""
        unheard = self._listener.floor is Floor.PROCESSING
        self._listener.words(whole, final=True)
        self._listener.speech_from_words()
        if self._listener.floor not in JUDGED:
            return False
        if unheard:
            # Nobody heard an answer to it.
            self._told.remove(self._context)
        frame.text = whole
        self._held.append(frame)
        return True


@dataclass(slots=True)
class Told:
    """The last turn in the context, in case its final transcript is another one."""

    finals: str = ""
    """Of its words, those that were final when it ended."""
    message: LLMContextMessage | None = None

    def rewrite(self, text: str) -> None:
        """Its words as the recogniser tells them in the end."""
        if isinstance(self.message, dict):
            cast(dict[str, object], self.message)["content"] = text

    def remove(self, context: LLMContext) -> None:
        """As if it had never been."""
        context.set_messages([each for each in context.messages if each is not self.message])
