"""What a WebSocket's connection is to the local room, over data channels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from loguru import logger

from bargein.errors import ProtocolError
from bargein.mending import Mender
from bargein.packet import Flag, Kind, Packet
from bargein.protocol import Codec, Message
from bargein.sending_again import SendingAgain, end_of
from bargein.transports.local.connection import DisconnectedError

QUEUE_ITEMS = 1_500
"""Half a minute of a microphone and its messages: a pipeline that is further behind is lost."""


class Channels(Protocol):
    """Where a link sends to; both return at once."""

    def send(self, data: str | bytes) -> None:
        """Send on the control channel."""

    def send_audio(self, data: bytes) -> None:
        """Send a datagram."""


class DataLink:
    """Implements `ClientLink`, and gives what the browser says in the order of its samples."""

    def __init__(self, channels: Channels, *, clock_ms: Callable[[], float]) -> None:
        """Write to these channels; `hear` is to be told of all that comes."""
        self.closed = asyncio.Event()
        self.peer = ""
        """The address that the browser's offer came from; a proxy's, if one stands between."""
        self.heard_ms = clock_ms()
        """When anything came last."""
        self.mender = Mender()
        self.again = SendingAgain()
        self._clock_ms = clock_ms
        self._channels = channels
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue(QUEUE_ITEMS)

    # --- to the browser ----------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message; dropped once the link is closed."""
        self._write(Codec.write(message))

    def send_audio(self, packet: Packet) -> None:
        """Send audio; dropped once the link is closed."""
        if self.closed.is_set():
            return
        self.again.keep(packet)
        self._channels.send_audio(packet.pack())
        if Flag.LAST in packet.flags:
            # Nothing comes behind it that would show that it is missing.
            self._channels.send(end_of(packet).pack())

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own, as JSON."""
        self._write(json.dumps(value))

    def _write(self, text: str) -> None:
        if not self.closed.is_set():
            self._channels.send(text)

    # --- from the browser --------------------------------------------------------------------

    def hear(self, data: str | bytes) -> None:
        """Take what came: messages as they are, the microphone mended.

        What the browser misses of the bot's voice is sent again at once.
        """
        self.heard_ms = self._clock_ms()
        for each in [data] if isinstance(data, str) else self._mended(data):
            self._put(each)

    async def receive(self) -> str | bytes:
        """Wait for what the browser sends next; raises DisconnectedError once it is gone."""
        data = await self._incoming.get()
        if data is None:
            raise DisconnectedError
        return data

    def close(self) -> None:
        """The conversation is over; what was sent still goes out."""
        if self.closed.is_set():
            return
        self.closed.set()
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(None)

    def _mended(self, data: bytes) -> list[bytes]:
        try:
            packet = Packet.unpack(data)
        except ProtocolError:
            return [data]  # whoever reads it says what is wrong with it
        if packet.kind is Kind.MISSING:
            for each in self.again.asked_for(packet):
                self._channels.send_audio(each.pack())
            return []
        if packet.kind is not Kind.MICROPHONE:
            return [data]
        mended = self.mender.take(packet.start_sample, packet.pcm)
        return [replace(packet, start_sample=at, pcm=pcm).pack() for at, pcm in mended]

    def _put(self, item: str | bytes) -> None:
        if self.closed.is_set():
            return
        try:
            self._incoming.put_nowait(item)
        except asyncio.QueueFull:
            logger.warning("a WebRTC peer sends more than is read, {} items: closed", QUEUE_ITEMS)
            self.close()
