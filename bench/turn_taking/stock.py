"""Stock Pipecat with the same services, and a caller that plays what comes.

The client is the best that there is without a protocol of its own: no jitter buffer, and what it
holds is dropped as soon as it is told of an interruption.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from pipecat.audio.turn.smart_turn.base_smart_turn import SmartTurnParams
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import TurnAnalyzerUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner
from starlette.websockets import WebSocket, WebSocketState

from bargein.rehearsal.levels import RATE_HZ
from bargein.rehearsal.network import NetworkSettings
from bench.peers.run_pipecat import RawPcm
from bench.turn_taking.parts import Claude, EagerFlux, Flash, Nova
from bench.turn_taking.phone import PlainPhone
from bench.turn_taking.vendors import Vendors
from tests.vendors.voice import RATE_HZ as BOT_RATE_HZ

TUNED_STOP_S = 0.7
"""So much silence ends a turn that smart turn calls incomplete; 3 s by default. As ours."""
STOP_S = 10


class StockPhone(PlainPhone):
    """The client, in the place of a WebSocket."""

    def __init__(self, network: NetworkSettings | None, seed: int) -> None:
        """Hold the line."""
        super().__init__(network, seed)
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self.headers: dict[str, str] = {}
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    def hang_up(self) -> None:
        """Leave."""
        super().hang_up()
        self._incoming.put_nowait(None)

    def _arrive(self, data: str | bytes) -> None:
        self._incoming.put_nowait(data)

    # --- the methods of a WebSocket that Pipecat calls -------------------------------------

    async def receive(self) -> dict[str, Any]:
        """Give a chunk of the microphone."""
        data = await self._incoming.get()
        if data is None:
            self.client_state = self.application_state = WebSocketState.DISCONNECTED
            return {"type": "websocket.disconnect"}
        return {"type": "websocket.receive", "bytes": data}

    async def send_bytes(self, data: bytes) -> None:
        """Take the bot's voice."""
        self._down.send(data)

    async def send_text(self, data: str) -> None:
        """Take an order."""
        self._down.send(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Hang up."""
        self._incoming.put_nowait(None)


@asynccontextmanager
async def call(
    kind: str, vendors: Vendors, network: NetworkSettings | None, seed: int
) -> AsyncIterator[StockPhone]:
    """Run a `stock`, `tuned` or `eager` bot, and give a phone that is connected to it."""
    phone = StockPhone(network, seed)
    transport = FastAPIWebsocketTransport(
        cast(WebSocket, phone),
        FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=RawPcm()),
    )
    pair = LLMContextAggregatorPair(LLMContext(), user_params=_turns(kind))
    ears = EagerFlux(url=vendors.flux_url) if kind == "eager" else Nova(url=vendors.stt_url)
    pipeline = Pipeline(
        [
            transport.input(),
            ears,
            pair.user(),
            Claude(url=vendors.llm_url),
            Flash(url=vendors.tts_url),
            transport.output(),
            pair.assistant(),
        ]
    )
    rates = PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=BOT_RATE_HZ)
    # RTVI and the tracking of turns are there by default; nobody needs them here.
    plain = kind == "stock"
    worker = PipelineWorker(pipeline, params=rates, enable_rtvi=plain, enable_turn_tracking=plain)

    async def started(*_: object) -> None:
        phone.started.set()

    worker.add_event_handler("on_pipeline_started", started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        yield phone
    finally:
        phone.hang_up()
        await worker.cancel()
        await asyncio.wait([running], timeout=STOP_S)


def _turns(kind: str) -> LLMUserAggregatorParams:
    """How turns begin and end: by default, sooner where smart turn is not sure, or as Flux says."""
    if kind == "eager":
        return LLMUserAggregatorParams()
    vad = SileroVADAnalyzer()
    if kind == "stock":
        return LLMUserAggregatorParams(vad_analyzer=vad)
    analyzer = LocalSmartTurnAnalyzerV3(params=SmartTurnParams(stop_secs=TUNED_STOP_S))
    stop = TurnAnalyzerUserTurnStopStrategy(turn_analyzer=analyzer)
    return LLMUserAggregatorParams(
        vad_analyzer=vad, user_turn_strategies=UserTurnStrategies(stop=[stop])
    )
