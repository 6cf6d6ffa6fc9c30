"""Stock Pipecat 1.14 with the parts of our bots, as its own examples wire them.

`DEFAULT` is what a first bot has: Pipecat's Protobuf messages, RTVI, turn tracking and the
idle observer. `BEST` is what an expert leaves of it: raw PCM, no RTVI, no observers at all.
Both detect speech as Pipecat does by default, with Silero in the user's aggregator, and let
VAD and transcripts start turns. A turn ends by the VAD's pause and a timeout: smart turn is a
model, and left out on both sides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADState
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
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from starlette.websockets import WebSocket

from bench.crowd.line import Line
from bench.crowd.stand_ins import StandInLlm, StandInStt, StandInTts

MICROPHONE_RATE_HZ = 16_000
BOT_RATE_HZ = 24_000
CHUNK_SAMPLES = 320
"""20 ms, Pipecat's usual chunk of a microphone."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How much of what Pipecat adds by itself stays."""

    protobuf: bool
    rtvi: bool
    turn_tracking: bool
    idle_timeout_s: float | None


DEFAULT = Setting(protobuf=True, rtvi=True, turn_tracking=True, idle_timeout_s=300)
BEST = Setting(protobuf=False, rtvi=False, turn_tracking=False, idle_timeout_s=None)


class MeasuredVad(SileroVADAnalyzer):
    """Notes which chunk of the microphone made the VAD sure of speech."""

    def __init__(self, line: Line, sent_s: list[float]) -> None:
        """`sent_s` says of each chunk when the caller sent it."""
        super().__init__()
        self._line, self._sent_s = line, sent_s
        self._chunks, self._before = 0, VADState.QUIET

    async def analyze_audio(self, buffer: bytes) -> VADState:
        """Score a chunk."""
        state = await super().analyze_audio(buffer)
        sent_s = self._sent_s[self._chunks % len(self._sent_s)]
        self._chunks += 1
        if state is VADState.SPEAKING and self._before is VADState.STARTING:
            self._line.detected(sent_s)
        self._before = state
        return state


class Measured:
    """Notes when an InterruptionFrame leaves the output, and when each chunk was sent."""

    def __init__(self, line: Line, sent_s: list[float]) -> None:
        """Measure this line."""
        self._line, self._sent_s, self._chunks = line, sent_s, 0

    def note_in(self) -> None:
        """A chunk of the microphone comes in."""
        self._sent_s[self._chunks % len(self._sent_s)] = self._line.sent_s
        self._chunks += 1

    def note_out(self, frame: Frame) -> None:
        """A frame is written."""
        if isinstance(frame, InterruptionFrame):
            self._line.acknowledged()


class RawPcm(FrameSerializer):
    """Bytes are audio, and one byte tells the client to drop what it has: the least there is."""

    def __init__(self, measured: Measured) -> None:
        """Measure as it goes."""
        super().__init__()
        self._measured = measured

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Give PCM, or the mark of an interruption."""
        self._measured.note_out(frame)
        if isinstance(frame, OutputAudioRawFrame):
            return frame.audio
        return b"!" if isinstance(frame, InterruptionFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Take PCM."""
        self._measured.note_in()
        return InputAudioRawFrame(cast(bytes, data), MICROPHONE_RATE_HZ, 1)


class Protobuf(ProtobufFrameSerializer):
    """Pipecat's own messages, measured."""

    def __init__(self, measured: Measured) -> None:
        """Measure as it goes."""
        super().__init__()
        self._measured = measured

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Write it as Pipecat does."""
        self._measured.note_out(frame)
        return await super().serialize(frame)

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Read it as Pipecat does."""
        self._measured.note_in()
        return await super().deserialize(data)


CHUNKS_REMEMBERED = 4_096


async def run(line: Line, setting: Setting) -> None:
    """Talk with one caller until the line is cut."""
    sent_s = [0.0] * CHUNKS_REMEMBERED
    measured = Measured(line, sent_s)
    transport = FastAPIWebsocketTransport(
        cast(WebSocket, line),
        FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            serializer=Protobuf(measured) if setting.protobuf else RawPcm(measured),
        ),
    )
    user, assistant = aggregators(line, sent_s)
    worker = PipelineWorker(
        Pipeline(
            [
                transport.input(),
                StandInStt(),
                user,
                StandInLlm(),
                StandInTts(),
                transport.output(),
                assistant,
            ]
        ),
        params=PipelineParams(
            audio_in_sample_rate=MICROPHONE_RATE_HZ, audio_out_sample_rate=BOT_RATE_HZ
        ),
        enable_rtvi=setting.rtvi,
        enable_turn_tracking=setting.turn_tracking,
        idle_timeout_secs=setting.idle_timeout_s,
    )
    await _run_until_cut(worker, transport)


def aggregators(line: Line, sent_s: list[float]) -> tuple[Any, Any]:
    """Pipecat's pair, with its VAD in the user's half and its default start of turns."""
    pair = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=MeasuredVad(line, sent_s),
            user_turn_strategies=UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy()]),
        ),
    )
    return pair.user(), pair.assistant()


async def _run_until_cut(worker: PipelineWorker, transport: FastAPIWebsocketTransport) -> None:
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    ended = asyncio.Event()

    async def greet(*_: object) -> None:
        await worker.queue_frame(TTSSpeakFrame("Hello, what can I get you today my friend?"))

    async def leave(*_: object) -> None:
        ended.set()

    transport.add_event_handler("on_client_connected", greet)
    transport.add_event_handler("on_client_disconnected", leave)
    running = asyncio.create_task(runner.run())
    await ended.wait()
    await worker.cancel()
    await running
