"""One Unix socket between the process of the bots and the process of the callers.

A record is a fixed header and a payload. The header carries the sender's monotonic clock,
which all processes of a machine share, so that a latency holds the wait in the socket too.
Records are gathered and written once for each turn of the event loop: the trunk costs
microseconds for each record, on either side of any comparison the same.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("<IHBd")
HIGH_WATER_BYTES = 64 * 1024 * 1024


class Kind(IntEnum):
    """What a record is."""

    AUDIO = 1
    """Binary, to or from one bot."""
    TEXT = 2
    """Text, to or from one bot."""
    DETECTED = 3
    """Text by which a caller says that it speaks over the bot."""
    COMMAND = 4
    """JSON about the run itself; the bot's number means nothing."""
    READY = 5
    """A bot can be talked with."""


@dataclass(frozen=True, slots=True)
class Record:
    """What travels; `sent_s` is the sender's `time.monotonic()`."""

    bot: int
    kind: Kind
    sent_s: float
    payload: bytes


class Trunk(asyncio.Protocol):
    """One end; `take` gets each record in order."""

    def __init__(self, take: Callable[[Record], None]) -> None:
        """Use it as the protocol of a connected socket."""
        self._take = take
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def send(self, bot: int, kind: Kind, sent_s: float, payload: bytes) -> None:
        """Send a record with what else comes in this turn of the loop."""
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing += HEADER.pack(len(payload), bot, kind, sent_s)
        self._outgoing += payload

    def close(self) -> None:
        """Cut it."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Never wait for the peer: both read as fast as they can."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The other process is gone."""
        if not self.closed.done():
            self.closed.set_result(exc)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into records."""
        self._incoming += data
        at = 0
        while len(self._incoming) - at >= HEADER.size:
            size, bot, kind, sent_s = HEADER.unpack_from(self._incoming, at)
            end = at + HEADER.size + size
            if end > len(self._incoming):
                break
            payload = bytes(self._incoming[at + HEADER.size : end])
            self._take(Record(bot, Kind(kind), sent_s, payload))
            at = end
        del self._incoming[:at]

    def _flush(self) -> None:
        data, self._outgoing = self._outgoing, bytearray()
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)
