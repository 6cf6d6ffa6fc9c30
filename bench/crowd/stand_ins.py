"""Recogniser, LLM and voice that do their traffic of frames and no work of a model.

They are Pipecat's own base classes with the calls of a vendor left out, so a pipeline that
holds them pays for everything but the model. Both sides of a comparison use the same ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import cache

import numpy as np
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.utils.time import time_now_iso8601

from bargein.processors.llm_settings import unset_llm_settings
from bargein.processors.word_offsets import WordOffsets

HEARD = "What about that then"
ANSWER = (
    "Our coffee comes from three small farms in the highlands. "
    "The beans are picked by hand, and only when they are ripe. "
    "Every Monday we roast them here, in the back of the shop. "
)
TTFS_P99_S = 0.35
FIRST_TOKEN_S = 0.1
TOKEN_S = 0.01
FIRST_AUDIO_S = 0.08
WORD_S = 0.3
AUDIO_CHUNK_S = 0.1
FASTER_THAN_SPEECH = 5.0
"""A vendor's audio comes so many times faster than it plays."""
TONE_HZ = 220
TONE_LEVEL = 3_000


class StandInStt(STTService):
    """Gets all audio, and has the same words for every stretch of speech."""

    def __init__(self) -> None:
        super().__init__(
            settings=STTSettings(model="stand-in", language=None), ttfs_p99_latency=TTFS_P99_S
        )

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Take audio as if it were sent to a vendor."""
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer the end of speech with a final transcript."""
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            now = time_now_iso8601()
            await self.push_frame(TranscriptionFrame(HEARD, "user", now, finalized=True))


class StandInLlm(LLMService):
    """Streams the same answer, token by token."""

    def __init__(self) -> None:
        super().__init__(settings=unset_llm_settings("stand-in"))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context; pass on all else."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            await asyncio.sleep(FIRST_TOKEN_S)
            for word in ANSWER.split():
                await self._push_llm_text(word + " ")
                await asyncio.sleep(TOKEN_S)
        finally:
            await self.push_frame(LLMFullResponseEndFrame())


class StandInTts(WordOffsets):
    """Makes a tone as long as the words, in chunks, with the time of each word."""

    def __init__(self) -> None:
        super().__init__(
            push_text_frames=False,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model="stand-in", voice="tone", language=None),
        )
        self._made_s: dict[str, float] = {}

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Give a sentence's word times, then its audio, faster than it plays."""
        await asyncio.sleep(FIRST_AUDIO_S)
        start_s = self._made_s.get(context_id, 0.0)
        words = text.split()
        self._made_s[context_id] = start_s + len(words) * WORD_S
        timed = [(word, start_s + at * WORD_S) for at, word in enumerate(words)]
        await self.add_word_timestamps(timed, context_id)
        pcm = tone(self.sample_rate, AUDIO_CHUNK_S)
        for _ in range(round(len(words) * WORD_S / AUDIO_CHUNK_S)):
            yield TTSAudioRawFrame(pcm, self.sample_rate, 1, context_id=context_id)
            await asyncio.sleep(AUDIO_CHUNK_S / FASTER_THAN_SPEECH)

    async def on_audio_context_completed(self, context_id: str) -> None:
        """Forget how long the reply was; pipecat's hook."""
        self._made_s.pop(context_id, None)
        await super().on_audio_context_completed(context_id)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Forget how long the reply was; pipecat's hook."""
        self._made_s.pop(context_id, None)
        await super().on_audio_context_interrupted(context_id)


@cache
def tone(rate_hz: int, length_s: float) -> bytes:
    """A tone as PCM16."""
    at = np.arange(round(rate_hz * length_s))
    return (TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * at / rate_hz)).astype("<i2").tobytes()
