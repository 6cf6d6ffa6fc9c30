"""The server's own ears: Silero on 32 ms windows, and the plug around `voice_activity.py`.

`noise.py` says which threshold each window must reach; the client's VAD is told to follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    StartFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import Field

from bargein.echo import NO_ECHO, EchoJudge, EchoReading
from bargein.hush import Hush
from bargein.noise import SILENCE_DB, UNHEARD, NoiseRules, Room, Telling, level_db
from bargein.processors.clock import monotonic_ms
from bargein.processors.floor_frames import SILENCE_MS, HearingFrame, SpeechWindowFrame
from bargein.processors.silero import Silero
from bargein.processors.silero_engines import Engine
from bargein.protocol import MICROPHONE_RATE_HZ, WINDOW_SAMPLES
from bargein.voice_activity import Change, Refresh, VoiceActivity, VoiceRules

WINDOW_BYTES = WINDOW_SAMPLES * 2
AUDIO_IDLE_S = 1.0
"""A microphone that is silent on the wire for so long has stopped speaking."""


class SileroVad(FrameProcessor):
    """Scores the microphone; the arbiter hears of each window, everybody of onset and offset."""

    def __init__(
        self,
        *,
        probability_threshold: Annotated[
            float,
            Field(
                ge=0.05,
                le=0.99,
                description="A window at or above it is speech, in a quiet room.",
            ),
        ] = 0.65,
        threshold_min: Annotated[
            float,
            Field(
                ge=0.05,
                le=0.99,
                description="So far it falls in noise, which lowers the scores of speech.",
            ),
        ] = 0.4,
        adaptive: Annotated[
            bool,
            Field(
                description=(
                    "Whether the threshold follows the noise, and a level gate the voices in the "
                    "background and the bot's echo."
                )
            ),
        ] = True,
        min_speech_duration_ms: Annotated[
            int,
            Field(
                ge=32,
                le=2000,
                description="So much speech makes an onset; shorter sounds are noise.",
            ),
        ] = 150,
        min_silence_duration_ms: Annotated[
            int,
            Field(
                ge=200,
                le=5000,
                description="So much silence ends the user's turn, whatever smart turn thinks.",
            ),
        ] = 700,
        pause_ms: Annotated[
            int,
            Field(
                ge=96,
                le=2000,
                description="So much silence is a pause: smart turn is asked if the turn is over.",
            ),
        ] = 192,
        prefix_padding_ms: Annotated[
            int,
            Field(
                ge=0,
                le=1000,
                description="Audio from before the onset that the recogniser gets too.",
            ),
        ] = 200,
        engine: Annotated[
            Engine,
            Field(
                description=(
                    "What runs the model: numpy (the cheapest), onnx, or torch (an extra). "
                    "All hear the same."
                )
            ),
        ] = Engine.NUMPY,
    ) -> None:
        """Take the rules."""
        super().__init__()
        self.rules = VoiceRules(
            probability_threshold=probability_threshold,
            min_speech_duration_ms=min_speech_duration_ms,
            pause_ms=pause_ms,
        )
        self._room = Room(
            NoiseRules(
                probability_threshold=probability_threshold,
                threshold_min=threshold_min,
                adaptive=adaptive,
            )
        )
        self._telling = Telling(self._room.hearing)
        self._take_bot_db: Callable[[], float] = lambda: SILENCE_DB
        self.min_silence_duration_ms = min_silence_duration_ms
        self._prefix_padding_ms = prefix_padding_ms
        self._silero = Silero(engine)
        self._refresh = Refresh()
        self._voice = VoiceActivity(self.rules)
        self._hush = Hush()
        self._pcm = bytearray()
        self._last_audio_s = 0.0
        self._echo: EchoJudge | None = None
        self._reading = NO_ECHO
        self._watch: asyncio.Task[None] | None = None

    def attach(self, take_bot_db: Callable[[], float], *, echo: EchoJudge | None = None) -> None:
        """Say where to ask for the bot's level since the last window, in dBFS, and for echo."""
        self._take_bot_db, self._echo = take_bot_db, echo

    async def cleanup(self) -> None:
        """End the task that watches for a silent wire."""
        await super().cleanup()
        self._silero.close()
        if self._watch:
            await self.cancel_task(self._watch)
            self._watch = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Score the microphone's audio; all goes on unchanged but echo, which goes on as silence.

        Or a recogniser would take the bot's words for the user's. The silence so far is written
        on it.
        """
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame) and direction is FrameDirection.DOWNSTREAM:
            self._last_audio_s = asyncio.get_running_loop().time()
            await self._take_audio(frame)
            if self._reading.is_echo:
                frame.audio = bytes(len(frame.audio))
            if self._voice.pause_so_far_ms is not None:
                frame.metadata[SILENCE_MS] = self._voice.pause_so_far_ms
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._last_audio_s = asyncio.get_running_loop().time()
            self._watch = self.create_task(self._watch_wire(), "vad_idle")

    async def _take_audio(self, frame: InputAudioRawFrame) -> None:
        if frame.sample_rate != MICROPHONE_RATE_HZ or frame.num_channels != 1:
            raise ValueError(
                f"{self}: the microphone comes with {frame.sample_rate} Hz and "
                f"{frame.num_channels} channels; the VAD takes {MICROPHONE_RATE_HZ} Hz mono: "
                "set the transport's input rate"
            )
        self._pcm += frame.audio
        while len(self._pcm) >= WINDOW_BYTES:
            window = bytes(self._pcm[:WINDOW_BYTES])
            del self._pcm[:WINDOW_BYTES]
            probability = await self._silero.soon(window)
            await self._take_window(window, probability)
            if self._refresh.due(probability, speaking=self._voice.speaking):
                self._silero.reset()

    def _judge_echo(self, window: bytes, probability: float) -> EchoReading:
        if self._echo is None:
            return NO_ECHO
        self._echo.hear(window, monotonic_ms())
        quiet_below = self.rules.silence_below(self._room.hearing.threshold)
        return NO_ECHO if probability < quiet_below else self._echo.judge()

    async def _take_window(self, window: bytes, probability: float) -> None:
        level = level_db(window)
        self._reading = self._judge_echo(window, probability)
        is_echo = self._reading.is_echo if self._echo else None
        threshold = self._room.threshold(probability, level, self._take_bot_db(), is_echo=is_echo)
        threshold = UNHEARD if self._reading.is_echo else threshold
        hushed = self._hush.window(level, speech=probability >= threshold)
        change = self._voice.window(probability, threshold, hushed=hushed)
        await self.push_frame(
            SpeechWindowFrame(
                probability=probability,
                speech_ms=self._voice.speech_ms,
                silence_ms=self._voice.silence_ms,
                level_db=level,
                threshold=threshold,
                is_echo=self._reading.is_echo,
                echo_correlation=self._reading.correlation,
                pause_ms=self._voice.pause_so_far_ms,
            ),
            FrameDirection.UPSTREAM,
        )
        if self._telling.due(self._room.hearing):
            await self.push_frame(HearingFrame(self._room.hearing), FrameDirection.UPSTREAM)
        if change is Change.STARTED:
            # Everything since the onset belongs to the speech, and the padding before it.
            back_ms = self._voice.since_onset_ms + self._prefix_padding_ms
            await self.broadcast_frame(VADUserStartedSpeakingFrame, start_secs=back_ms / 1000)
        elif change is Change.STOPPED:
            await self._stopped()

    async def _stopped(self) -> None:
        await self.broadcast_frame(
            VADUserStoppedSpeakingFrame, stop_secs=self.rules.pause_ms / 1000
        )

    async def _watch_wire(self) -> None:
        # By the clock, not by an event for each packet: that would wake a task 31 times a second.
        loop = asyncio.get_running_loop()
        while True:
            silent_s = loop.time() - self._last_audio_s
            if silent_s < AUDIO_IDLE_S:
                await asyncio.sleep(AUDIO_IDLE_S - silent_s)
                continue
            if self._voice.silent_wire() is Change.STOPPED:
                await self._stopped()
            self._silero.reset()
            await self.push_frame(SpeechWindowFrame(), FrameDirection.UPSTREAM)
            await asyncio.sleep(AUDIO_IDLE_S)
