"""The server's end of a simulated line: what a browser's connection is to the local room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from bargein.packet import Packet
from bargein.protocol import Codec, Message
from bargein.transports.local.connection import DisconnectedError, LostError


class Line:
    """Implements `ClientLink` and what a transport reads from; times are the room's."""

    def __init__(
        self,
        *,
        transmit: Callable[[str | bytes], None],
        note: Callable[[Message], None],
    ) -> None:
        """`transmit` puts on the network what the server sends, `note` hears of each message."""
        self.closed = asyncio.Event()
        self._transmit = transmit
        self._note = note
        self._incoming: asyncio.Queue[str | bytes | LostError | None] = asyncio.Queue()

    # --- the server's side --------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message; dropped once the line is closed."""
        if not self.closed.is_set():
            self._note(message)
            self._transmit(Codec.write(message))

    def send_audio(self, packet: Packet) -> None:
        """Send audio; dropped once the line is closed."""
        if not self.closed.is_set():
            self._transmit(packet.pack())

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own, as JSON."""
        if not self.closed.is_set():
            self._transmit(json.dumps(value))

    async def receive(self) -> str | bytes:
        """Wait for what the client sends next; raises DisconnectedError once it has hung up.

        LostError where the line was lost, and may be found again.
        """
        data = await self._incoming.get()
        if data is None:
            raise DisconnectedError
        if isinstance(data, LostError):
            raise data
        return data

    def close(self) -> None:
        """The server hangs up."""
        self.hang_up()

    # --- the network's side -------------------------------------------------------------

    def arrive(self, data: str | bytes) -> None:
        """Something of the client's has come through the network."""
        self._incoming.put_nowait(data)

    def lose(self) -> None:
        """The line is lost, and the server notices; all that came before is there."""
        self._incoming.put_nowait(LostError())

    def hang_up(self) -> None:
        """Nobody is there any more."""
        if not self.closed.is_set():
            self.closed.set()
            self._incoming.put_nowait(None)
