"""The client's side of bargein/1 on behalf of a client that does not know it.

An RTVI client can't mute, has no epochs and counts no samples. So this end does it, at the
outlet from which the client's track is fed: it stops at `contested`, says where, drops what
is stale at a verdict, and tells how far playout has come, marked as an estimate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pipecat.processors.frameworks.rtvi.models as rtvi
from loguru import logger
from pipecat.pipeline.capabilities import BotCapabilities
from pydantic import BaseModel

from bargein.errors import ProtocolError
from bargein.outlet import Outlet, Position
from bargein.packet import Packet
from bargein.processors.clock import monotonic_ms
from bargein.protocol import (
    PLAYED_EVERY_MS,
    Accepted,
    ClientMessage,
    Contested,
    Message,
    Played,
    Rejected,
    ServerMessage,
    Truncate,
    Welcome,
)
from bargein.transports.rtvi.allowed import ClientReady, RefusedError, read
from bargein.transports.rtvi.narrator import Narrator
from bargein.uplink import UplinkCount

REFUSALS_TOLD = 50
"""So many refusals are answered and logged; from then on they are only counted."""
ABOUT = {"library": "bargein"}
CAPABILITIES = BotCapabilities(
    audio_in=True, audio_out=True, video_in=False, screen_in=False, video_out=False, metrics=False
)


class RtviLink:
    """Implements `ClientLink`; `closed` is the end of the conversation."""

    def __init__(self, write: Callable[[str], None], *, sample_rate_hz: int) -> None:
        """Write texts to the client with `write`, which returns at once."""
        self.closed = asyncio.Event()
        self.peer = ""
        """The address that the client's offer came from; a proxy's, if one stands between."""
        self.ready = asyncio.Event()
        """The client has said `client-ready`."""
        self.control: asyncio.Queue[ClientMessage] = asyncio.Queue()
        """What this end says for the client, for the pipeline's first processor."""
        self.refused = 0
        self._write = write
        self._outlet = Outlet()
        self._narrator = Narrator()
        self._count = UplinkCount()
        self._report_every = sample_rate_hz * PLAYED_EVERY_MS // 1000
        self._reported = Position()
        self._request: str | None = None
        self._open = False

    # --- from the server -------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Do what the message asks of a client, and tell the real one what it can use."""
        match message:
            case Welcome():
                self._open = True
                self._say_bot_ready()
            case Contested(utterance=utterance) if not self._outlet.muted:
                self._stop_at(self._outlet.mute(utterance))
            case Accepted() | Rejected():
                if isinstance(message, Accepted):
                    self._report(self._outlet.position)
                self._outlet.restart(message.epoch)
        if isinstance(message, ServerMessage):
            self._tell(self._narrator.take(message))

    def send_audio(self, packet: Packet) -> None:
        """Keep the bot's voice until the track asks for it."""
        self._outlet.put(packet)

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own, as an RTVI server-message."""
        self._tell([rtvi.ServerMessage(data=dict(value))])

    def take(self, samples: int) -> bytes:
        """Give the track its next audio; it is on its way to the listener from now on."""
        pcm, positions = self._outlet.take(samples)
        for position in positions:
            self._tell(self._narrator.handed_out(position))
            if position.finished or self._unreported(position) >= self._report_every:
                self._report(position)
        return pcm

    # --- from the client -------------------------------------------------------------------

    def hear(self, text: str) -> None:
        """Take what the client wrote; whatever is not allowed is answered, counted and dropped."""
        try:
            self._count.take(monotonic_ms())
            given = read(text)
        except RefusedError as refusal:
            self._refuse(refusal)
        except ProtocolError as flood:
            logger.warning("an RTVI client floods the bot: {}", flood)
            self.closed.set()
        else:
            if given is not None:
                self._take_ready(given)

    def _take_ready(self, given: ClientReady) -> None:
        self._narrator.version = given.version
        self._request = given.request
        self.ready.set()
        self._say_bot_ready()

    def _refuse(self, refusal: RefusedError) -> None:
        self.refused += 1
        if self.refused <= REFUSALS_TOLD:
            logger.warning("an RTVI client was refused: {}", refusal)
            data = rtvi.ErrorResponseData(error=str(refusal))
            self._tell([rtvi.ErrorResponse(id=refusal.request, data=data)])

    # --- inside ----------------------------------------------------------------------------

    def _stop_at(self, position: Position) -> None:
        self._reported = position
        self._say(
            Truncate(utterance=position.utterance, played_samples=position.samples, detected=False)
        )

    def _unreported(self, position: Position) -> int:
        same = position.utterance == self._reported.utterance
        return position.samples - (self._reported.samples if same else 0)

    def _report(self, position: Position) -> None:
        if not position.utterance:
            return
        self._reported = position
        self._say(
            Played(
                utterance=position.utterance,
                played_samples=position.samples,
                finished=position.finished,
                estimate=True,
            )
        )

    def _say(self, message: ClientMessage) -> None:
        self.control.put_nowait(message.model_copy(update={"epoch": self._outlet.epoch}))

    def _say_bot_ready(self) -> None:
        """Once both sides are ready; again as often as the client says so."""
        if self._open and self._request is not None:
            data = rtvi.BotReadyData(
                version=rtvi.PROTOCOL_VERSION, about=ABOUT, capabilities=CAPABILITIES
            )
            self._tell([rtvi.BotReady(id=self._request, data=data)])

    def _tell(self, messages: list[BaseModel]) -> None:
        for message in messages:
            self._write(message.model_dump_json(exclude_none=True))
