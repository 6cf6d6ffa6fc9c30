"""Pipecat's own classes for the vendors, against the servers here: both speak one protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest
from anthropic import AsyncAnthropic
from bench.turn_taking.parts import Claude, EagerFlux, Flash, Nova, TimedFlash
from numpy.typing import NDArray
from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from tests.vendors.anthropic import Anthropic
from tests.vendors.deepgram import Deepgram
from tests.vendors.ear import RATE_HZ
from tests.vendors.elevenlabs import CHAR_MS, ElevenLabs
from tests.vendors.flux import Flux
from tests.vendors.latency import Recognition, Synthesis, Writing
from tests.vendors.test_ear import TURN, silence, sound
from tests.vendors.voice import RATE_HZ as VOICE_HZ

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pipeline,
    # Deepgram's package imports what newer websockets have replaced.
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

F = TypeVar("F", bound=Frame)
BOUND_S = 10
REPLY = "Order 7, here you are. Is there more?"


class Tap(FrameProcessor):
    """Keeps all frames."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._news = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        self._news.set()
        await self.push_frame(frame, direction)

    def all(self, kind: type[F]) -> list[F]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not holds():
                self._news.clear()
                await self._news.wait()


Send = Callable[..., Awaitable[None]]


@asynccontextmanager
async def running(service: FrameProcessor) -> AsyncIterator[tuple[Send, Tap]]:
    """Run a service between nothing and a tap; no error may come."""
    tap = Tap()
    rates = PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=VOICE_HZ)
    worker = PipelineWorker(
        Pipeline([service, tap]), params=rates, enable_rtvi=False, idle_timeout_secs=None
    )
    started, errors = asyncio.Event(), list[str]()

    async def note_start(*_: object) -> None:
        started.set()

    async def note_error(_worker: object, frame: ErrorFrame) -> None:
        errors.append(frame.error)

    worker.add_event_handler("on_pipeline_started", note_start)
    worker.add_event_handler("on_pipeline_error", note_error)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    task = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(started.wait(), BOUND_S)
        yield worker.queue_frame, tap
    finally:
        await worker.cancel()
        await asyncio.wait_for(task, BOUND_S)
    assert not errors


def microphone(pcm: bytes) -> InputAudioRawFrame:
    return InputAudioRawFrame(pcm, RATE_HZ, 1)


async def test_deepgram_hears_word_by_word_and_finalizes() -> None:
    server = Deepgram([TURN], lambda _: Recognition(partial_ms=20, final_ms=40, endpoint_ms=300))
    async with server.open() as url, running(Nova(url=url)) as (send, tap):
        await send(microphone(sound(600)))
        await tap.until(lambda: bool(tap.all(TranscriptionFrame)))
        await send(microphone(sound(700)))
        await send(VADUserStoppedSpeakingFrame(stop_secs=0.2))
        await tap.until(lambda: len(tap.all(TranscriptionFrame)) == 2)
    partials = [each.text for each in tap.all(InterimTranscriptionFrame)]
    assert partials == ["To", "Two teas", "please"]
    finals = [(each.text, each.finalized) for each in tap.all(TranscriptionFrame)]
    assert finals == [("Two teas,", False), ("please.", True)]
    (seen,) = server.connections
    assert (seen.finalizes, seen.closed, seen.seconds) == (1, True, 1.3)
    assert seen.query["encoding"] == ["linear16"]


async def test_anthropic_writes_token_by_token() -> None:
    server = Anthropic(lambda _: REPLY, lambda _: Writing(whole_ms=80))
    async with server.open() as url, running(Claude(url=url)) as (send, tap):
        await send(LLMContextFrame(LLMContext([{"role": "user", "content": "Tea, please."}])))
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    assert [each.text for each in tap.all(LLMTextFrame)][:3] == ["Order ", "7, ", "here "]
    assert "".join(each.text for each in tap.all(LLMTextFrame)) == REPLY
    (request,) = server.requests
    assert (request.asked, request.tokens, request.cancelled) == ("Tea, please.", 8, False)


async def test_anthropic_stops_writing_when_the_client_leaves() -> None:
    server = Anthropic(lambda _: REPLY, lambda _: Writing(whole_ms=8000))
    async with server.open() as url, running(Claude(url=url)) as (send, tap):
        await send(LLMContextFrame(LLMContext([{"role": "user", "content": "Tea, please."}])))
        await tap.until(lambda: bool(tap.all(LLMTextFrame)))
        await send(InterruptionFrame())
        await tap.until(lambda: bool(tap.all(LLMFullResponseEndFrame)))
    (request,) = server.requests
    assert request.cancelled
    assert request.tokens == 1


async def test_anthropic_gives_a_whole_answer_at_once() -> None:
    server = Anthropic(lambda _: REPLY, lambda _: Writing(whole_ms=20))
    async with server.open() as url:
        client = AsyncAnthropic(api_key="none", base_url=url)
        answer = await client.messages.create(
            model="claude-haiku-4-5",
            max_tokens=100,
            messages=[{"role": "user", "content": "Tea, please."}],
        )
        await client.close()
    assert [getattr(block, "text", "") for block in answer.content] == [REPLY]
    assert answer.usage.output_tokens == 8


async def speak(voice: Flash | TimedFlash, tap_until: Callable[[Tap], bool]) -> Tap:
    """Let a voice say the reply, as an LLM writes it."""
    async with running(voice) as (send, tap):
        await send(LLMFullResponseStartFrame())
        for token in REPLY.split(" "):
            await send(LLMTextFrame(f"{token} "))
        await send(LLMFullResponseEndFrame())
        await tap.until(lambda: tap_until(tap))
    return tap


async def test_elevenlabs_speaks_each_sentence_and_times_each_word() -> None:
    server = ElevenLabs(lambda _: Synthesis(whole_ms=80))
    async with server.open() as url:
        tap = await speak(TimedFlash(url=url), lambda tap: bool(tap.all(TTSStoppedFrame)))
    words = tap.all(TTSTextFrame)
    assert " ".join(each.text for each in words) == REPLY
    samples = [int(each.metadata["start_sample"]) for each in words]
    # Each word begins where its first character stands in the reply; but for the last one, which
    # Pipecat takes for unfinished until a space comes.
    per_char = VOICE_HZ * CHAR_MS // 1000
    assert samples[:-1] == [REPLY.index(each.text) * per_char for each in words[:-1]]
    audio = b"".join(each.audio for each in tap.all(TTSAudioRawFrame))
    assert len(audio) // 2 == len(REPLY) * per_char
    (context,) = server.contexts
    assert (context.closed, context.finished, len(context.texts)) == (True, True, 2)


async def test_elevenlabs_hears_that_its_client_has_left() -> None:
    server = ElevenLabs(lambda _: Synthesis(whole_ms=80_000))
    async with server.open() as url:
        await speak(Flash(url=url), lambda tap: bool(server.contexts))
        async with asyncio.timeout(BOUND_S):
            while not server.left:  # noqa: ASYNC110  (the server offers no event)
                await asyncio.sleep(0.01)
    assert not server.contexts[0].finished


async def test_flux_predicts_the_end_of_a_turn_and_decides_it() -> None:
    def judge(heard: NDArray[np.float32]) -> float:
        return 0.9 if len(heard) > RATE_HZ else 0.6

    server = Flux([TURN], judge, lambda _: Recognition(partial_ms=20, final_ms=250))
    async with server.open() as url, running(EagerFlux(url=url)) as (send, tap):
        await send(microphone(sound(500) + silence(250)))
        await tap.until(lambda: bool(tap.all(EagerTranscriptionFrame)))
        # More words, so it was not the end.
        await send(microphone(silence(250) + sound(310)))
        await tap.until(lambda: bool(tap.all(EagerEndOfTurnCancelFrame)))
        await send(microphone(silence(300)))
        await tap.until(lambda: bool(tap.all(TranscriptionFrame)))
    assert tap.all(EagerTranscriptionFrame)[0].text == "Two teas,"
    final = tap.all(TranscriptionFrame)[0]
    assert (final.text, final.finalized) == ("Two teas, please.", True)
