"""Parts for test pipelines: a recogniser and an LLM whose words are given, and a tap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.utils.time import time_now_iso8601

from bargein.processors.llm_settings import unset_llm_settings
from bargein.processors.scripted_llm import ScriptedLLM
from bargein.processors.transcripts_frames import NoWordsFrame


class GivenStt(STTService):
    """Hears the next of `hears` at each pause of the user; an empty one is no words."""

    def __init__(self, *, hears: list[str]) -> None:
        settings = STTSettings(model="given", language=None)
        super().__init__(settings=settings, ttfs_p99_latency=0.1)
        self._hears = list(hears)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Audio tells it nothing."""
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            text = self._hears.pop(0) if self._hears else ""
            if text:
                now = time_now_iso8601()
                await self.push_frame(TranscriptionFrame(text, "user", now, finalized=True))
            else:
                await self.push_frame(NoWordsFrame())


class EagerStt(GivenStt):
    """Hears the next of `hears` at the first loud audio, for now; for good at the pause.

    What comes after half a second of quiet is the next. In the end it may have meant
    something else: then that is in `means`.
    """

    LOUD = 1500
    QUIET_BYTES = 16_000

    def __init__(self, *, hears: list[str], means: list[str] | None = None) -> None:
        super().__init__(hears=[])
        self._bursts = list(hears)
        self._means = list(means or hears)
        self._quiet_bytes = self.QUIET_BYTES

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Listen for a burst."""
        if np.abs(np.frombuffer(audio, "<i2").astype(int)).max() < self.LOUD:
            self._quiet_bytes += len(audio)
            yield None
            return
        begins, self._quiet_bytes = self._quiet_bytes >= self.QUIET_BYTES, 0
        text = self._bursts.pop(0) if begins and self._bursts else ""
        if begins:
            self._hears = [self._means.pop(0)] if self._means else []
        yield InterimTranscriptionFrame(text, "user", time_now_iso8601()) if text else None


class GivenLlm(LLMService):
    """Answers with the next of `answers`, a word every `word_s`."""

    contexts: list[LLMContext] = []  # noqa: RUF012  (the test reads them)

    def __init__(self, *, answers: list[str], word_s: float = 0.002) -> None:
        super().__init__(settings=unset_llm_settings("given"))
        self._answers = list(answers)
        self._word_s = word_s

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        self.contexts.append(frame.context)
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            for word in (self._answers.pop(0) if self._answers else "").split():
                await self.push_frame(LLMTextFrame(word + " "))
                await asyncio.sleep(self._word_s)
        finally:
            await self.push_frame(LLMFullResponseEndFrame())


def messages() -> list[tuple[str, str]]:
    """Role and text of what the LLM's context holds now."""
    if not GivenLlm.contexts:
        return []
    held: list[Any] = GivenLlm.contexts[-1].messages
    return [(str(each["role"]), str(each.get("content"))) for each in held]


class Tap(FrameProcessor):
    """Keeps what the TTS makes."""

    made: list[bytes] = []  # noqa: RUF012  (the test reads them)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.made.append(frame.audio)
        await self.push_frame(frame, direction)


class Stumbles(FrameProcessor):
    """Raises at the first word of the LLM."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            raise RuntimeError("I stumbled")  # noqa: TRY004
        await self.push_frame(frame, direction)


class CannotBe(FrameProcessor):
    """Can't be constructed when a browser comes."""

    def __init__(self) -> None:
        raise OSError("the model file is gone")


class WatchedLlm(ScriptedLLM):
    """The scripted LLM; keeps the context that it gets."""

    contexts: list[LLMContext] = []  # noqa: RUF012  (the test reads them)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, LLMContextFrame):
            self.contexts.append(frame.context)
        await super().process_frame(frame, direction)


class OrderingLlm(GivenLlm):
    """The same; an answer that begins with `call ` calls the tool `order` with that many cups."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        orders = self._answers[:1] if isinstance(frame, LLMContextFrame) else []
        if not orders or not orders[0].startswith("call "):
            await super().process_frame(frame, direction)
            return
        self._answers[0] = ""
        assert isinstance(frame, LLMContextFrame)
        call = FunctionCallFromLLM(
            function_name="order",
            tool_call_id=f"call_{len(self.contexts)}",
            arguments={"cups": int(orders[0].removeprefix("call "))},
            context=frame.context,
        )
        await super().process_frame(frame, direction)
        await self.run_function_calls([call])
