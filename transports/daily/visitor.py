"""One visitor of a room at Daily, as a connection like a browser's WebSocket.

Control messages go as app messages, the microphone comes as Daily decodes it, and the bot's
voice is put into a track; beside it go marks that say what stands where in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from loguru import logger

from bargein.marked_track import MarkBatch, MarkedTrack
from bargein.packet import BYTES_PER_SAMPLE, Kind, Packet
from bargein.processors.clock import monotonic_ms
from bargein.protocol import (
    MICROPHONE_RATE_HZ,
    Accepted,
    Codec,
    Contested,
    Error,
    Message,
    Rejected,
    Welcome,
)
from bargein.small_messages import fitted
from bargein.transports.daily.call import Call
from bargein.transports.local.connection import DisconnectedError
from bargein.uplink import Backlog

MOST_MESSAGE_BYTES = 3_800
"""Daily takes 4 KB, its own envelope included."""
QUEUE_ITEMS = 600
"""12 s of audio in chunks of 20 ms: a bot that is further behind is stuck."""


class Visitor:
    """Implements what a transport needs of a connection; `closed` ends the conversation."""

    def __init__(self, call: Call, participant: str, *, sample_rate_hz: int) -> None:
        """Whoever makes it hands on what comes: `hear_message`, `hear_audio`, `take`."""
        self.participant = participant
        self.closed = asyncio.Event()
        self.heard_ms = monotonic_ms()
        self._call = call
        self._track = MarkedTrack(sample_rate_hz)
        self._marks = MarkBatch()
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue(QUEUE_ITEMS)
        self._stamp: dict[str, Any] = {}
        self._samples = 0
        self._backlog: Backlog | None = None

    # --- to the visitor ------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message, in parts where it is too long, and follow what it says oneself."""
        match message:
            case Contested():
                self._track.mute()
            case Accepted() | Rejected():
                self._track.restart(message.epoch)
            case Welcome() if self._backlog is None:
                self._backlog = Backlog(since_ms=monotonic_ms())
        self._stamp = {"session": message.session, "seq": message.seq}
        parts = fitted(message, MOST_MESSAGE_BYTES)
        if not parts:
            logger.warning("a {} is too long for Daily and was not sent", type(message).__name__)
        for part in parts:
            self._call.send(self.participant, part.model_dump(mode="json"))

    def send_audio(self, packet: Packet) -> None:
        """Keep the bot's voice until the track asks for it."""
        self._track.put(packet)

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own; one that is too long for Daily is dropped."""
        if len(json.dumps(value).encode()) > MOST_MESSAGE_BYTES:
            logger.warning("a message of a processor is too long for Daily and was not sent")
            return
        self._call.send(self.participant, value)

    def take(self) -> bytes:
        """Give the track its next chunk, and tell the visitor what it is."""
        pcm, mark = self._track.take()
        for each in self._marks.add(mark):
            stamped = each.model_copy(update=self._stamp)
            self._call.send(self.participant, stamped.model_dump(mode="json"))
        return pcm

    # --- from the visitor ----------------------------------------------------------------

    def hear_message(self, value: object) -> None:
        """Take an app message."""
        self.heard_ms = monotonic_ms()
        self._put(json.dumps(value))

    def hear_audio(self, pcm: bytes) -> None:
        """Take the microphone's next 16 kHz PCM16; what piled up before the welcome is dropped."""
        duration_ms = len(pcm) / BYTES_PER_SAMPLE * 1000 / MICROPHONE_RATE_HZ
        if self._backlog is None or self._backlog.holds(duration_ms, monotonic_ms()):
            return
        packet = Packet(Kind.MICROPHONE, 0, 0, self._samples, pcm)
        self._samples += len(pcm) // BYTES_PER_SAMPLE
        self._put(packet.pack())

    async def receive(self) -> str | bytes:
        """Wait for what comes next; raises DisconnectedError when there will be no more."""
        item = None if self.closed.is_set() else await self._incoming.get()
        if item is None:
            raise DisconnectedError
        return item

    def close(self) -> None:
        """End the conversation; the visitor may stay in the room."""
        if not self.closed.is_set():
            self.closed.set()
            if self._incoming.full():
                self._incoming.get_nowait()
            self._incoming.put_nowait(None)

    def refuse(self, code: str, text: str) -> None:
        """Say why this conversation is over."""
        self._call.send(self.participant, refusal(code, text))

    def _put(self, item: str | bytes) -> None:
        if self.closed.is_set():
            return
        try:
            self._incoming.put_nowait(item)
        except asyncio.QueueFull:
            logger.warning("the bot is {} items behind its visitor: closed", QUEUE_ITEMS)
            self.close()


def refusal(code: str, text: str) -> dict[str, Any]:
    """A final error, as an app message."""
    value: dict[str, Any] = json.loads(Codec.write(Error(code=code, message=text, final=True)))
    return value
