"""espeak-ng as a Pipecat TTS service: no key, no download, true word times, a plain voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Annotated

from pipecat.audio.resamplers.soxr_stream_resampler import SOXRStreamAudioResampler
from pipecat.frames.frames import (
    AggregatedTextFrame,
    Frame,
    LLMFullResponseEndFrame,
    TextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import TTSSettings
from pydantic import Field

from bargein.processors.clauses import GOES_ON
from bargein.processors.espeak import SAMPLE_BYTES, Engine, Speech, Voice, engine
from bargein.processors.word_offsets import WordOffsets


@dataclass
class EspeakTTSSettings(TTSSettings):
    """Settings of `EspeakTTS`; `voice` is espeak-ng's name of it. The rest is set once."""


class EspeakTTS(WordOffsets):
    """Speaks with espeak-ng, at the pipeline's output rate, and says where each word begins.

    All sentences of one reply form one audio context, with one `TTSStartedFrame` and one
    `TTSStoppedFrame`, and sound as if they were spoken in one: between two of them, or two
    clauses, is the pause that the engine would make there, and a clause that is not the end of
    its sentence does not fall. An interruption stops the engine at its next 40-60 ms chunk.

    Raises `PartError` without the 'embedded' extra, `ConfigError` for a voice that is not there.
    """

    Settings = EspeakTTSSettings
    _settings: EspeakTTSSettings

    def __init__(
        self,
        *,
        voice: Annotated[
            str, Field(min_length=1, description="espeak-ng's voice, with +variant if any.")
        ] = "en-us+klatt5",
        words_per_minute: Annotated[
            int, Field(ge=80, le=450, description="Speaking rate, in words per minute.")
        ] = 165,
        pitch: Annotated[
            int, Field(ge=0, le=100, description="Pitch; 50 is the voice's own.")
        ] = 50,
        volume: Annotated[
            int, Field(ge=0, le=200, description="Loudness; 100 is the engine's own.")
        ] = 100,
    ) -> None:
        """Load the engine, which takes a few milliseconds, and check the voice."""
        super().__init__(
            push_text_frames=False,
            push_start_frame=True,
            push_stop_frames=True,
            settings=EspeakTTSSettings(model="espeak-ng", voice=voice, language=None),
        )
        self._engine: Engine = engine()
        self._voice = Voice(voice, words_per_minute, pitch, volume)
        self._engine.check(self._voice)
        self._made: dict[str, _Made] = {}
        self._goes_on = False

    def can_generate_metrics(self) -> bool:
        """Say that times to first byte and processing times are measured."""
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note whether the text to be spoken is the end of its sentence."""
        if isinstance(frame, TextFrame | TTSSpeakFrame | LLMFullResponseEndFrame):
            is_piece = isinstance(frame, AggregatedTextFrame)
            self._goes_on = is_piece and bool(frame.metadata.get(GOES_ON))
        await super().process_frame(frame, direction)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak a sentence: words go to the context as they begin, audio is yielded as made."""
        await self.start_tts_usage_metrics(text)
        made = self._made.setdefault(context_id, _Made())
        if pause := made.take_pause(self.sample_rate):
            yield self._audio(pause, context_id)
        start_s = made.samples / self.sample_rate
        resampler = SOXRStreamAudioResampler(clear_after_secs=None)
        async with _Stream(self._engine, text, self._voice, self._goes_on) as stream:
            async for speech in stream:
                await self._add_words(speech, start_s, context_id)
                sound = made.hold_silence(speech.pcm, self._engine.sample_rate_hz)
                pcm = await resampler.resample(sound, self._engine.sample_rate_hz, self.sample_rate)
                if pcm:
                    yield self._audio(pcm, context_id)
        if tail := await resampler.flush():
            yield self._audio(tail, context_id)

    async def on_audio_context_completed(self, context_id: str) -> None:
        """Forget how long the reply was; pipecat's hook."""
        self._made.pop(context_id, None)
        await super().on_audio_context_completed(context_id)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Forget how long the reply was; pipecat's hook."""
        self._made.pop(context_id, None)
        await super().on_audio_context_interrupted(context_id)

    async def _add_words(self, speech: Speech, sentence_start_s: float, context_id: str) -> None:
        """Give pipecat the words of a chunk, timed from the first sample of their context."""
        rate_hz = self._engine.sample_rate_hz
        timed = [
            (word.text, sentence_start_s + word.start_sample / rate_hz) for word in speech.words
        ]
        if timed:
            await self.add_word_timestamps(timed, context_id)

    def _audio(self, pcm: bytes, context_id: str) -> TTSAudioRawFrame:
        if context_id in self._made:
            self._made[context_id].samples += len(pcm) // SAMPLE_BYTES
        return TTSAudioRawFrame(pcm, self.sample_rate, 1, context_id=context_id)


@dataclass(slots=True)
class _Made:
    """What was made of one reply: how long it is, and the silence at its end, held back.

    The silence is the pause before the next piece; behind the last piece nobody waits for it.
    """

    samples: int = 0
    """At the service's rate."""
    _silence: bytes = b""
    _silence_s: float = 0.0

    def hold_silence(self, pcm: bytes, rate_hz: int) -> bytes:
        """Give the sound up to the silence at its end, with the silence that was held before it."""
        pcm = self._silence + pcm
        end = len(pcm.rstrip(b"\0"))
        end += end % SAMPLE_BYTES
        self._silence = pcm[end:]
        self._silence_s = len(self._silence) / SAMPLE_BYTES / rate_hz
        return pcm[:end]

    def take_pause(self, rate_hz: int) -> bytes:
        """Give the silence that is held, at another rate."""
        seconds, self._silence, self._silence_s = self._silence_s, b"", 0.0
        return bytes(SAMPLE_BYTES * round(seconds * rate_hz))


@dataclass(slots=True)
class _Stream:
    """Speech from the engine's thread as an async iterator; leaving it stops the engine.

    What waits in between is one text's speech at most: the engine makes a sentence in about a
    thousandth of its length, so holding it back would cost more than keeping it.
    """

    engine: Engine
    text: str
    voice: Voice
    goes_on: bool
    _ready: asyncio.Queue[Speech | None] = field(default_factory=asyncio.Queue)
    _left: bool = False
    _made: Future[int] | None = None

    async def __aenter__(self) -> _Stream:
        loop = asyncio.get_running_loop()

        def sink(speech: Speech) -> bool:
            if not self._left:
                loop.call_soon_threadsafe(self._ready.put_nowait, speech)
            return not self._left

        self._made = self.engine.speak(
            self.text, self.voice, sink, goes_on=self.goes_on, end_pause=True
        )
        self._made.add_done_callback(
            lambda _: None if self._left else loop.call_soon_threadsafe(self._end)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left = True

    def _end(self) -> None:
        self._ready.put_nowait(None)

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> Speech:
        speech = await self._ready.get()
        if speech is None:
            assert self._made is not None
            self._made.result()
            raise StopAsyncIteration
        return speech
