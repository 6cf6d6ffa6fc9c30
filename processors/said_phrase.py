"""Phrases that a voice has said before they are needed: the sound, and where each word begins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from bargein.packet import BYTES_PER_SAMPLE
from bargein.processors.played_audio import START_SAMPLE

END_S = 3.0
"""The voice's pipeline is given up if it has not ended by then."""


@dataclass(frozen=True, slots=True)
class SaidPhrase:
    """A phrase as PCM16, with its words."""

    text: str
    pcm: bytes = field(repr=False)
    words: tuple[tuple[str, int | None], ...]
    """Each with its first sample; None where the voice tells no times."""

    @property
    def samples(self) -> int:
        """How long it is."""
        return len(self.pcm) // BYTES_PER_SAMPLE


class _Ear(FrameProcessor):
    """Keeps what one phrase sounds like."""

    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()
        self.failed = False
        self._pcm = bytearray()
        self._words: list[tuple[str, int | None]] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                self._pcm += frame.audio
            case TTSTextFrame():
                start = frame.metadata.get(START_SAMPLE)
                self._words.append((frame.text, None if start is None else int(start)))
            case TTSStoppedFrame():
                self.done.set()
            case _:
                pass
        await self.push_frame(frame, direction)

    def take(self, text: str) -> SaidPhrase | None:
        """Give the phrase, and listen for the next one; None if nothing was said."""
        pcm, words = bytes(self._pcm), tuple(self._words)
        self._pcm, self._words = bytearray(), []
        self.done.clear()
        return SaidPhrase(text, pcm, words) if pcm and words else None


async def say_all(
    voice: FrameProcessor, phrases: Sequence[str], *, rate_hz: int, within_s: float
) -> Mapping[str, SaidPhrase]:
    """Have a voice of its own say each phrase once; what it has not said in time is left out."""
    ear = _Ear()
    worker = PipelineWorker(
        Pipeline([voice, ear]),
        params=PipelineParams(audio_out_sample_rate=rate_hz),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )
    started, broken = asyncio.Event(), asyncio.Event()

    async def begin(*_: object) -> None:
        started.set()

    async def fail(_worker: object, _error: ErrorFrame) -> None:
        broken.set()
        ear.done.set()

    worker.add_event_handler("on_pipeline_started", begin)
    worker.add_event_handler("on_pipeline_error", fail)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    said: dict[str, SaidPhrase] = {}
    try:
        async with asyncio.timeout(within_s):
            await started.wait()
            for phrase in phrases:
                await worker.queue_frame(TTSSpeakFrame(phrase))
                await ear.done.wait()
                if broken.is_set():
                    break
                if kept := ear.take(phrase):
                    said[phrase] = kept
    except TimeoutError:
        pass
    finally:
        await worker.cancel(reason="all was said")
        await asyncio.wait([running], timeout=END_S)
    return said
