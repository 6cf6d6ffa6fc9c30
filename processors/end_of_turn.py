"""When the user's turn begins and ends: our turn strategies for Pipecat's user aggregator.

It begins only on the arbiter's word. It ends when smart turn calls it complete at a
pause, or when the silence has lasted, and the recogniser has had its say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from pipecat.audio.turn.base_turn_analyzer import BaseTurnAnalyzer, EndOfTurnState
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy

from bargein.endpointing import EndedBy
from bargein.processors.floor_frames import FloorTakenFrame
from bargein.processors.transcripts_frames import NoWordsFrame

STALL_S = 1.0
"""Silence is counted in audio; if none comes for so long, the clock decides."""
TRANSCRIPT_WAIT_S = 1.0
"""A recogniser that has said nothing for so long after the silence has heard nothing."""


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
    """A turn ends at a pause that smart turn calls complete, or after `silence_s` of silence."""

    def __init__(
        self,
        *,
        listener: TurnListener,
        silence_s: float,
        analyzer: BaseTurnAnalyzer | None,
        may_stand: Callable[[], bool] = lambda: False,
        confirms: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Without an analyzer only the silence counts.

        `may_stand` says whether the partial words may stand for the final ones; `confirms` is
        asked at the very end whether the reply is there already.
        """
        super().__init__()
        self._may_stand, self._confirms = may_stand, confirms
        self._partial = False
        self._listener = listener
        self._silence_s = silence_s
        self._analyzer = analyzer
        self._speaking = False
        self._open = False
        self._over = False
        self._because = EndedBy.OTHER
        self._transcribed = False
        self._has_words = False
        self._gave_up = False
        self._pause: asyncio.Task[None] | None = None
        self._silence_left_s = 0.0
        self._silent = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._open

    @property
    def words_owed(self) -> bool:
        """Whether the last turn ended before the recogniser had said anything about it."""
        return self._gave_up

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Tell the analyzer the microphone's rate."""
        await super().setup(setup)
        if self._analyzer:
            self._analyzer.set_sample_rate(setup.audio_in_sample_rate)

    async def cleanup(self) -> None:
        """End the waiting and the analyzer."""
        await super().cleanup()
        await self._end_pause()
        if self._analyzer:
            await self._analyzer.cleanup()

    async def handle_user_turn_started(self) -> None:
        """A turn begins with nothing said; whether the user speaks now is known already."""
        self._open = True
        self._transcribed = self._has_words = self._gave_up = False
        if not self._speaking and not self._pausing:
            # Nobody will say again that the user is silent.
            self._over = False
            await self._begin_pause(heard_s=0.0)

    async def handle_user_turn_stopped(self) -> None:
        """However it ended, tell who has to go on from here."""
        self._open = False
        await self._end_pause()
        if self._analyzer:
            self._analyzer.clear()
        ended_by = self._because if self._over else EndedBy.OTHER
        self._listener.turn_ended(has_words=self._has_words, ended_by=ended_by)

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Follow speech, pauses and transcripts."""
        match frame:
            case InputAudioRawFrame():
                self._count_silence(frame.num_frames / frame.sample_rate)
                if self._analyzer:
                    self._analyzer.append_audio(frame.audio, self._speaking)
                if self._over:
                    await self._maybe_end()
            case InterimTranscriptionFrame():
                self._partial = bool(frame.text.strip())
            case VADUserStartedSpeakingFrame():
                self._speaking = True
                self._over = self._transcribed = self._gave_up = False
                await self._end_pause()
                if self._analyzer:
                    self._analyzer.update_vad_start_secs(frame.start_secs)
            case VADUserStoppedSpeakingFrame():
                self._speaking = False
                await self._begin_pause(heard_s=frame.stop_secs)
            case TranscriptionFrame():
                self._has_words = self._has_words or bool(frame.text.strip())
                self._partial = False
                self._transcribed = self._transcribed or frame.finalized
                self._gave_up = False
                await self._maybe_end()
            case NoWordsFrame():
                self._partial = False
                self._transcribed = True
                self._gave_up = False
                await self._maybe_end()
        return ProcessFrameResult.CONTINUE

    async def _begin_pause(self, *, heard_s: float) -> None:
        await self._end_pause()
        self._silent.clear()
        self._silence_left_s = self._silence_s - heard_s
        self._count_silence(0.0)
        self._pause = self.task_manager.create_task(self._wait(), f"{self}::pause")

    def _count_silence(self, duration_s: float) -> None:
        self._silence_left_s -= duration_s
        if self._silence_left_s <= 0:
            self._silent.set()

    @property
    def _pausing(self) -> bool:
        return self._pause is not None and not self._pause.done()

    async def _end_pause(self) -> None:
        task, self._pause = self._pause, None
        if task and task is not asyncio.current_task():
            await self.task_manager.cancel_task(task)

    async def _wait(self) -> None:
        if self._analyzer:
            # In a task of its own: a verdict or an interruption never waits for the model.
            state, _ = await self._analyzer.analyze_end_of_turn()
            if state == EndOfTurnState.COMPLETE:
                self._call_over(EndedBy.SMART_TURN)
                if await self._maybe_end():
                    return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._silence_s + STALL_S):
                await self._silent.wait()
        self._call_over(EndedBy.SILENCE)
        if await self._maybe_end():
            return
        await asyncio.sleep(TRANSCRIPT_WAIT_S)
        self._gave_up = not self._transcribed and not self._has_words
        if self._gave_up:
            self._because = EndedBy.NO_TRANSCRIPT
        self._transcribed = True
        await self._maybe_end()

    def _call_over(self, because: EndedBy) -> None:
        """The user has finished; the first reason stays."""
        if not self._over:
            self._over, self._because = True, because

    async def _maybe_end(self) -> bool:
        """End the turn if all agree; whether it has ended."""
        ready = self._transcribed or self._may_stand()
        if not (self._open and self._over and ready) or self._speaking:
            return False
        self._open = False
        self._has_words = self._has_words or self._partial
        if self._confirms and await self._confirms():
            await self.trigger_user_turn_finalized(confirms_speculation=True)
        else:
            await self.trigger_user_turn_stopped()
        return True
