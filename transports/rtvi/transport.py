"""The Pipecat transport of an RTVI client: a microphone, and what the link says for the client."""

from __future__ import annotations

import asyncio

from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputTransportMessageFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from bargein.packet import BYTES_PER_SAMPLE
from bargein.processors.clock import monotonic_ms
from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.transports.end_of_line import EndOfLine, line_params
from bargein.transports.rtvi.link import RtviLink
from bargein.uplink import Backlog, UplinkRate


class RtviInput(BaseInputTransport):
    """Takes the microphone from `hear`, and the link's own messages; nothing a client writes."""

    def __init__(self, link: RtviLink, params: TransportParams) -> None:
        """Take in nothing until the pipeline starts."""
        super().__init__(params)
        self.microphone_heard = asyncio.Event()
        self._link = link
        self._rate = UplinkRate(since_ms=monotonic_ms())
        self._backlog: Backlog | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        """Begin to take in."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._backlog = Backlog(since_ms=monotonic_ms())
        self._task = self.create_task(self._pass_control(), "rtvi_control")

    async def cleanup(self) -> None:
        """Take in no more."""
        await super().cleanup()
        if self._task:
            await self.cancel_task(self._task)
            self._task = None

    async def hear(self, pcm: bytes) -> None:
        """Take 16 kHz mono; ProtocolError `bad_rate` if far too much comes.

        What comes before the pipeline has started, or piled up by then, is dropped: the
        bot would answer what was said to nobody.
        """
        samples, now_ms = len(pcm) // BYTES_PER_SAMPLE, monotonic_ms()
        self._rate.take(samples, now_ms)
        duration_ms = samples * 1000 / MICROPHONE_RATE_HZ
        if self._backlog is None or self._backlog.holds(duration_ms, now_ms):
            return
        if self._link.ready.is_set():
            self.microphone_heard.set()
        await self.push_audio_frame(
            InputAudioRawFrame(audio=pcm, sample_rate=MICROPHONE_RATE_HZ, num_channels=1)
        )

    async def _pass_control(self) -> None:
        while True:
            message = await self._link.control.get()
            await self.push_frame(InputTransportMessageFrame(message=message.model_dump()))


class RtviTransport(BaseTransport):
    """Both ends of one RTVI client."""

    def __init__(self, link: RtviLink, *, sample_rate_hz: int) -> None:
        """Build input and output over this link."""
        super().__init__()
        params = line_params(sample_rate_hz)
        self._input = RtviInput(link, params)
        self._output = EndOfLine(link, params)

    def input(self) -> RtviInput:
        """Where the microphone comes in."""
        return self._input

    def output(self) -> FrameProcessor:
        """Where the pipeline ends."""
        return self._output

    @property
    def microphone_heard(self) -> asyncio.Event:
        """Set once the client is ready and its microphone is heard."""
        return self._input.microphone_heard
