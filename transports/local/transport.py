"""The Pipecat transport over one browser's WebSocket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from loguru import logger
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InputTransportMessageFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from bargein.errors import ProtocolError
from bargein.packet import Kind, Packet
from bargein.processors.clock import monotonic_ms
from bargein.processors.floor_frames import ClientLostFrame
from bargein.processors.wire import ClientLink
from bargein.protocol import MICROPHONE_RATE_HZ, Capabilities, Codec, Error
from bargein.transports.end_of_line import EndOfLine, ValueLink, line_params
from bargein.transports.local.connection import DisconnectedError, LostError
from bargein.uplink import UplinkCount, UplinkRate

MOST_MISTAKES = 50
"""A peer that makes more mistakes than this in one session speaks something else."""

FINAL = ("bad_rate", "flood")


class Peer(ClientLink, ValueLink, Protocol):
    """The connection to one client, as a transport needs it."""

    async def receive(self) -> str | bytes:
        """Wait for what the client sends next; raises DisconnectedError when it is gone.

        LostError where it may come back: whoever receives then goes on.
        """

    def close(self) -> None:
        """Close after what is queued was sent."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that was let in."""

    session_id: str | None = None
    """What its session is called; None where any name will do."""
    identity: str | None = None
    """Who it is; None where nobody knows."""


ANYBODY = Admitted()


class LocalInput(BaseInputTransport):
    """Reads the WebSocket: messages go down the pipeline as they are, audio as 16 kHz mono."""

    def __init__(self, connection: Peer, params: TransportParams) -> None:
        """Read this connection once the pipeline starts."""
        super().__init__(params)
        self.microphone_heard = asyncio.Event()
        self._connection = connection
        self._rate = UplinkRate()
        self._count = UplinkCount()
        self._mistakes = 0
        self._reader: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        """Begin to read."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._reader = self.create_task(self._read(), "websocket_reader")

    async def cleanup(self) -> None:
        """Stop reading."""
        await super().cleanup()
        if self._reader:
            await self.cancel_task(self._reader)
            self._reader = None

    async def _read(self) -> None:
        while True:
            try:
                data = await self._connection.receive()
            except DisconnectedError:
                return
            except LostError:
                await self.push_frame(ClientLostFrame())
                continue
            try:
                self._count.take(monotonic_ms())
                if isinstance(data, str):
                    await self._take_text(data)
                else:
                    await self._take_packet(data)
            except ProtocolError as error:
                if self._refuse(error):
                    return

    def _refuse(self, error: ProtocolError) -> bool:
        """Tell the peer what was wrong; True if that was the last straw."""
        self._mistakes += 1
        final = error.code in FINAL or self._mistakes > MOST_MISTAKES
        logger.warning("the browser sent something wrong ({}): {}", error.code, error)
        self._connection.send(Error(code=error.code, message=str(error), final=final))
        if final:
            self._connection.close()
        return final

    async def _take_text(self, text: str) -> None:
        value = Codec.parse(text)
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise ProtocolError("not_an_object", "a message is a JSON object with a `type`")
        await self.push_frame(InputTransportMessageFrame(message=value))

    async def _take_packet(self, data: bytes) -> None:
        packet = Packet.unpack(data)
        if packet.kind is not Kind.MICROPHONE:
            raise ProtocolError("bad_packet", "a client sends packets of kind 2, microphone")
        self._rate.take(packet.samples, monotonic_ms())
        self.microphone_heard.set()
        # Not through Pipecat's queue for filters of the microphone: we have none, and it costs
        # a task that wakes for each packet.
        await self.push_frame(
            InputAudioRawFrame(audio=packet.pcm, sample_rate=MICROPHONE_RATE_HZ, num_channels=1)
        )


class LocalTransport(BaseTransport):
    """Both ends of one browser."""

    def __init__(
        self,
        connection: Peer,
        *,
        sample_rate_hz: int,
        capabilities: Capabilities,
        admitted: Admitted = ANYBODY,
    ) -> None:
        """Build input and output over this connection; its client has told what it can do.

        `admitted` is what the door has told of it.
        """
        super().__init__()
        self.admitted = admitted
        self.capabilities = capabilities
        params = line_params(sample_rate_hz)
        self._input = LocalInput(connection, params)
        self._output = EndOfLine(connection, params)

    def input(self) -> FrameProcessor:
        """Where audio and messages of the browser come in."""
        return self._input

    def output(self) -> FrameProcessor:
        """Where the pipeline ends."""
        return self._output

    @property
    def microphone_heard(self) -> asyncio.Event:
        """Set at the first packet of the microphone: the client can hear and be heard."""
        return self._input.microphone_heard
