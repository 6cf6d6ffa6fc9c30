"""Where a pipeline ends whose audio left it before: at the played-audio tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pipecat.frames.frames import (
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from bargein.protocol import MICROPHONE_RATE_HZ


class ValueLink(Protocol):
    """What takes messages of the user's own to a client."""

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message, as JSON."""


class EndOfLine(BaseOutputTransport):
    """The end of the line: the bot's audio went to the client from the played-audio tracker."""

    def __init__(self, link: ValueLink, params: TransportParams) -> None:
        """Send users' own messages to this link."""
        super().__init__(params)
        self._link = link

    async def start(self, frame: StartFrame) -> None:
        """Say that the transport is ready."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send_message(
        self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame
    ) -> None:
        """Send a message of a processor of the user's own."""
        if isinstance(frame.message, dict):
            self._link.send_value(frame.message)


def line_params(sample_rate_hz: int) -> TransportParams:
    """Give the params of a transport with a microphone; its bot speaks at this rate."""
    return TransportParams(
        audio_in_enabled=True,
        audio_in_sample_rate=MICROPHONE_RATE_HZ,
        audio_out_sample_rate=sample_rate_hz,
    )
