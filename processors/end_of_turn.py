"""When the user's turn begins and ends: our turn strategies for Pipecat's user aggregator.

It begins only on the arbiter's word. It ends when there was enough silence, which
`endpointing.py` knows, and the recogniser has had its say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from pipecat.frames.frames import (
    EagerTranscriptionFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy

from bargein.endpointing import EndedBy, EndpointRules, Pause, TurnWords
from bargein.processors.floor_frames import SILENCE_MS, FloorTakenFrame
from bargein.processors.smart_turn import TurnAnalyzer, TurnAudio
from bargein.processors.transcripts_frames import NoWordsFrame

STALL_S = 1.0
"""Silence is counted in audio; if none comes for so long, the clock decides."""
TRANSCRIPT_WAIT_S = 1.0
"""A recogniser that has said nothing for so long after the silence has heard nothing."""

WATCHDOG_S = 2.0
"""So much later than any rule of ours Pipecat's watchdog ends a turn; it asks nobody."""


def longest_wait_s(rules: EndpointRules) -> float:
    """Every turn has ended by then: the time from the last word of it that Pipecat waits."""
    silences_ms = (rules.silence_ms, rules.likely_silence_ms, rules.unfinished_silence_ms)
    return max(silences_ms) / 1000 + STALL_S + TRANSCRIPT_WAIT_S + WATCHDOG_S


class TurnListener(Protocol):
    """Who wants to know how a turn ended; implemented by the interruption plug."""

    def turn_ended(self, *, has_words: bool, ended_by: EndedBy) -> None:
        """The turn is over."""


class FloorTurnStart(BaseUserTurnStartStrategy):
    """A turn begins when the arbiter has given the user the floor, and never otherwise."""

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Wait for the arbiter's word; the interruption, if any, went ahead of it."""
        if isinstance(frame, FloorTakenFrame):
            await self.trigger_user_turn_started(enable_interruptions=False)
        return ProcessFrameResult.CONTINUE


class EndOfTurn(BaseUserTurnStopStrategy):
    """Tells `Pause` of silence, words and smart turn's answers, and ends the turn it calls over.

    Silence is what our VAD writes on the microphone's audio; with another VAD, the audio
    since it said that the speech has stopped.
    """

    def __init__(
        self,
        *,
        listener: TurnListener,
        rules: EndpointRules,
        analyzer: TurnAnalyzer | None,
        may_stand: Callable[[], bool] = lambda: False,
        confirms: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Without an analyzer only words and silence count.

        `may_stand` says whether the partial words may stand for the final ones; `confirms` is
        asked at the very end whether the reply is there already.
        """
        super().__init__()
        self._may_stand, self._confirms = may_stand, confirms
        self._listener = listener
        self._rules = rules
        self._analyzer = analyzer
        self._audio = TurnAudio()
        self._words = TurnWords(rules.language)
        self._pause = Pause(rules)
        self._speaking = False
        self._open = False
        self._because = EndedBy.OTHER
        self._transcribed = False
        self._has_words = False
        self._gave_up = False
        self._counts = False
        self._waiting: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._heard_s = float("-inf")
        self._silent = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._open

    @property
    def words(self) -> str:
        """What was said in the open turn, or in the last: final words, and the partial ones."""
        return self._words.text

    @property
    def words_owed(self) -> bool:
        """Whether the last turn ended before the recogniser had said anything about it."""
        return self._gave_up

    async def cleanup(self) -> None:
        """End the waiting."""
        await super().cleanup()
        await self._end_pause()
        task, self._asking = self._asking, None
        if task:
            await self.task_manager.cancel_task(task)

    async def handle_user_turn_started(self) -> None:
        """A turn begins with nothing said; whether the user speaks now is known already."""
        self._open = True
        self._because = EndedBy.OTHER
        self._words = TurnWords(self._rules.language, before=self._words.text)
        self._transcribed = self._has_words = self._gave_up = False
        if not self._speaking and not self._pausing:
            # Nobody will say again that the user is silent; how long it was before does not count.
            await self._begin_pause(heard_ms=0.0, counts=True)

    async def handle_user_turn_stopped(self) -> None:
        """However it ended, tell who has to go on from here."""
        self._open = False
        # Before anybody else may run: what comes now belongs to no turn.
        self._listener.turn_ended(has_words=self._has_words, ended_by=self._because)
        await self._end_pause()

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Follow speech, pauses and transcripts."""
        match frame:
            case InputAudioRawFrame():
                await self._hear(frame)
            case VADUserStartedSpeakingFrame():
                await self._speech_began(frame.start_secs)
            case VADUserStoppedSpeakingFrame():
                self._speaking = False
                await self._begin_pause(heard_ms=frame.stop_secs * 1000, counts=False)
            case InterimTranscriptionFrame() | EagerTranscriptionFrame():
                self._words.hear(frame.text, final=False, language=frame.language)
            case TranscriptionFrame():
                self._words.hear(frame.text, final=True, language=frame.language)
                self._has_words = self._has_words or bool(frame.text.strip())
                # One that comes in silence leaves nothing out, if its service says so or not.
                complete = frame.finalized or (bool(frame.text.strip()) and not self._speaking)
                await self._transcript(complete=complete)
            case ProposedUserStoppedSpeakingFrame():
                await self._maybe_end(EndedBy.RECOGNISER)
            case NoWordsFrame():
                self._words.hear("", final=False)
                await self._transcript(complete=True)
        return ProcessFrameResult.CONTINUE

    # --- speech and silence ------------------------------------------------------------

    async def _speech_began(self, ago_s: float) -> None:
        self._speaking = True
        self._transcribed = self._gave_up = self._counts = False
        await self._end_pause()
        self._pause.end()
        if not self._open:
            self._audio.begins(ago_s)

    async def _hear(self, frame: InputAudioRawFrame) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        if self._analyzer:
            self._audio.add(frame.audio)
        self._follow_silence(frame)
        if self._open and self._pause.silence_ms:
            self._maybe_ask()
            await self._maybe_end()

    def _follow_silence(self, frame: InputAudioRawFrame) -> None:
        told_ms = frame.metadata.get(SILENCE_MS)
        if told_ms == 0:
            self._pause.end()
        elif told_ms is not None and not self._counts:
            self._pause.silence_ms = told_ms
        elif self._pausing:
            self._pause.silence_ms += frame.num_frames * 1000 / frame.sample_rate
        if self._pause.over(self._words):
            self._silent.set()

    # --- smart turn --------------------------------------------------------------------

    def _maybe_ask(self) -> None:
        """In a task of its own: a verdict or an interruption never waits for the model."""
        asking = self._asking and not self._asking.done()
        if self._analyzer and not asking and self._pause.ask_due:
            question = self._ask(self._analyzer, self._pause.ask())
            self._asking = self.task_manager.create_task(question, f"{self}::smart_turn")

    async def _ask(self, analyzer: TurnAnalyzer, number: int) -> None:
        probability = await analyzer.probability(self._audio.heard())
        self._pause.answer(probability, number=number)
        await self._maybe_end()

    # --- the end -----------------------------------------------------------------------

    async def _begin_pause(self, *, heard_ms: float, counts: bool) -> None:
        """The user is silent; `counts` where the VAD's own count goes back too far."""
        await self._end_pause()
        self._counts = counts
        if counts:
            self._pause.end()
        self._pause.silence_ms = max(heard_ms, self._pause.silence_ms)
        self._waiting = self.task_manager.create_task(self._wait(), f"{self}::pause")

    @property
    def _pausing(self) -> bool:
        return self._waiting is not None and not self._waiting.done()

    async def _end_pause(self) -> None:
        task, self._waiting = self._waiting, None
        if task and task is not asyncio.current_task():
            await self.task_manager.cancel_task(task)

    async def _wait(self) -> None:
        """End the turn even if no audio and no transcript comes any more."""
        over = None
        while over is None:
            await self._until_over()
            if await self._maybe_end():
                return
            await asyncio.sleep(TRANSCRIPT_WAIT_S)
            over = self._pause.over(self._words)
        self._gave_up = not (self._transcribed or self._has_words or self._words.partial)
        self._transcribed = True
        await self._maybe_end()

    async def _until_over(self) -> None:
        """Wait for the silence to last, or for so much time without any audio."""
        while self._pause.over(self._words) is None:
            self._silent.clear()
            wanted_ms = self._pause.needed(self._words).silence_ms
            left_s = max(0.0, wanted_ms - self._pause.silence_ms) / 1000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s + STALL_S):
                    await self._silent.wait()
            if asyncio.get_running_loop().time() - self._heard_s >= STALL_S:
                self._pause.silence_ms = max(wanted_ms, self._pause.silence_ms)

    async def _transcript(self, *, complete: bool) -> None:
        self._transcribed = self._transcribed or complete
        self._gave_up = False
        await self._maybe_end()

    def _partial_stands(self, over: EndedBy) -> bool:
        """Whether the turn ends without its final transcript; where nobody listens to the sound,
        it does.
        """
        stands = self._analyzer is None or self._pause.stands(self._words, over)
        return stands and self._may_stand()

    async def _maybe_end(self, told: EndedBy | None = None) -> bool:
        """End the turn if all agree; whether it has ended.

        `told` is why it is over by the word of somebody who decides such things.
        """
        if not self._open or self._speaking:
            return False
        over = told or self._pause.over(self._words)
        if over is None or not (self._transcribed or self._partial_stands(over)):
            return False
        self._open = False
        self._because = EndedBy.NO_TRANSCRIPT if self._gave_up else over
        self._has_words = self._has_words or bool(self._words.partial)
        if self._confirms and await self._confirms():
            await self.trigger_user_turn_finalized(confirms_speculation=True)
        else:
            await self.trigger_user_turn_stopped()
        return True
