"""Stock Pipecat against the sounds of `bargein bench`, with the parts of the same configuration.

    python bench/peers/run_pipecat.py < request.json > answer.json

Recogniser, LLM, voice and whatever else the YAML names are the same; in place of our own three
parts (`interruption`, `silero_vad`, `played_audio`) stands what Pipecat has by default: Silero in
the user's aggregator (0.7 for 0.2 s), turns that begin with the VAD or a transcript and end by
smart turn, and its WebSocket output, which paces by the clock. The client is the best that
there is without a protocol of its own: it plays what comes, and drops what it holds as soon
as it is told of an interruption. There is no network.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from starlette.websockets import WebSocket, WebSocketState

from bargein.config.structure import Role
from bargein.measure.ear import Tape, met
from bargein.measure.encounter import Encounter
from bargein.measure.mouth import RATE_HZ, Mouth, read_wav
from bargein.measure.request import Answer, Meeting, Request
from bargein.pipelines.bench.meeting import said
from bargein.pipelines.bench.tts_tape import TtsTape
from bargein.pipelines.load import Config, load
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.vad import SileroVad

BOT_RATE_HZ = 24_000
STEP_MS = 20
"""Pipecat's usual chunk of a microphone; the loudspeaker plays in the same steps."""
OURS = (Interruption, PlayedAudio, SileroVad)
START_S = 20.0
REPLY_S = 6.0
"""How long after a sound the bot may take to answer it."""
HEARD_S = 1.0
DROP = "drop"


class RawPcm(FrameSerializer):
    """Bytes are audio; a word tells the client to drop what it has."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Give PCM, or the word."""
        if isinstance(frame, OutputAudioRawFrame):
            return frame.audio
        return DROP if isinstance(frame, InterruptionFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Take PCM."""
        return InputAudioRawFrame(cast(bytes, data), RATE_HZ, 1)


class Listener:
    """The client, in the place of a WebSocket: microphone and loudspeaker in real time."""

    def __init__(self) -> None:
        """Begin with an empty loudspeaker."""
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self.headers: dict[str, str] = {}
        self.tape = Tape(BOT_RATE_HZ)
        self.began, self.dropped, self.replied = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reply_ms: float | None = None
        self._buffer = bytearray()
        self._mouth = Mouth()
        self._begun_s = time.monotonic()
        self._microphone: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def live(self) -> None:
        """Hear and play, step by step."""
        steps = 0
        while True:
            self._play(self._begun_s * 1000 + steps * STEP_MS)
            steps += 1
            due_s = self._begun_s + steps * STEP_MS / 1000
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self._microphone.put_nowait(self._mouth.chunk(RATE_HZ * STEP_MS // 1000))

    def say(self, file: str, lead_samples: int) -> float:
        """Give the ms (monotonic) at which the sound's first sample is in the air."""
        first = self._mouth.say(read_wav(file), lead_samples)
        return self._begun_s * 1000 + first * 1000 / RATE_HZ

    def _play(self, at_ms: float) -> None:
        samples = BOT_RATE_HZ * STEP_MS // 1000
        pcm = bytes(self._buffer[: samples * 2]).ljust(samples * 2, b"\0")
        del self._buffer[: samples * 2]
        chunk = np.frombuffer(pcm, dtype="<i2")
        self.tape.add(chunk, at_ms)
        if not chunk.any():
            return
        self.began.set()
        if self.dropped.is_set() and self.reply_ms is None:
            self.reply_ms = at_ms + int(np.flatnonzero(chunk)[0]) * 1000 / BOT_RATE_HZ
            self.replied.set()

    # --- the methods of a WebSocket that Pipecat calls -------------------------------------

    async def receive(self) -> dict[str, Any]:
        """Give a chunk of the microphone."""
        pcm = await self._microphone.get()
        if pcm is None:
            self.client_state = self.application_state = WebSocketState.DISCONNECTED
            return {"type": "websocket.disconnect"}
        return {"type": "websocket.receive", "bytes": pcm}

    async def send_bytes(self, data: bytes) -> None:
        """Take the bot's voice."""
        self._buffer += data

    async def send_text(self, data: str) -> None:
        """Drop what was not played."""
        if data == DROP and self.began.is_set():
            self._buffer.clear()
            self.dropped.set()

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Hang up."""
        self._microphone.put_nowait(None)


@asynccontextmanager
async def bot(config: Config, listener: Listener, passage: str) -> AsyncIterator[Any]:
    """Run the bot, let it begin with the passage, and give its tape and context."""
    transport = FastAPIWebsocketTransport(
        cast(WebSocket, listener),
        FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=RawPcm()),
    )
    context, tape = LLMContext(), TtsTape()
    pair = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    llm = [part.role for part in config.parts].index(Role.LLM)
    parts = [part.build() for part in config.parts]
    before = [part for part in parts[:llm] if not isinstance(part, OURS)]
    behind = [part for part in parts[llm:] if not isinstance(part, OURS)]
    pipeline = Pipeline(
        [transport.input(), *before, pair.user(), *behind, transport.output(), pair.assistant()]
    )
    rates = PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=BOT_RATE_HZ)
    worker = PipelineWorker(pipeline, params=rates, observers=[tape])
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def greet(*_: object) -> None:
        await worker.queue_frame(TTSSpeakFrame(passage))

    transport.add_event_handler("on_client_connected", greet)

    running = asyncio.create_task(runner.run())
    try:
        yield tape, context
    finally:
        await worker.cancel()
        await asyncio.wait([running], timeout=START_S)


async def meet(config: Config, request: Request, meeting: Meeting) -> Encounter:
    """Let one sound meet the talking bot."""
    sound, listener = request.sounds[meeting.sound], Listener()
    living = asyncio.create_task(listener.live())
    try:
        async with bot(config, listener, request.passage) as (tape, context):
            await asyncio.wait_for(listener.began.wait(), START_S)
            await asyncio.sleep(meeting.at_ms / 1000)
            onset_ms = listener.say(sound.file, meeting.lead_samples)
            await asyncio.sleep(sound.length_ms / 1000 + HEARD_S)
            taken = listener.dropped.is_set()
            if taken and sound.text and request.answers:
                await _within(listener.replied, REPLY_S)
            seen = met(
                sound,
                onset_ms,
                said=tape.first.utterance(BOT_RATE_HZ),
                tape=listener.tape,
                stopped=taken,  # it has no pause
                taken=taken,
                context=said(context) if tape.first.starts else None,
            )
            return replace(seen, reply_ms=listener.reply_ms if sound.text else None)
    finally:
        living.cancel()


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def run(request: Request) -> Answer:
    """Do all meetings."""
    config = load(Path(request.config), overrides=request.settings, environ=os.environ)
    free, done = asyncio.Semaphore(request.jobs), 0
    if request.warm_up:
        await meet(config, request, request.meetings[0])

    async def one(meeting: Meeting) -> Encounter:
        nonlocal done
        async with free:
            seen = await meet(config, request, meeting)
        done += 1
        print(f"{done}/{len(request.meetings)}", file=sys.stderr, flush=True)
        return seen

    seen = await asyncio.gather(*(one(meeting) for meeting in request.meetings))
    return Answer(
        versions={"pipecat-ai": version("pipecat-ai")},
        encounters=tuple(seen),
        notes=("Pipecat's defaults, with the parts of this configuration; no network",),
    )


def main() -> None:
    """Read the request, answer."""
    logger.remove()
    print(asyncio.run(run(Request.from_json(sys.stdin.read()))).to_json())


if __name__ == "__main__":
    main()
