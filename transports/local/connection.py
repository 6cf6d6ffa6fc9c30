"""One browser's WebSocket: what comes in, and a bounded, ordered queue of what goes out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from loguru import logger
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bargein.packet import Packet
from bargein.protocol import Codec, Message

QUEUE_ITEMS = 600
"""About 12 s of audio in 20 ms packets: a peer that is further behind is gone."""
CLOSE_S = 1.0
"""A peer gets so long to read what was sent before the close."""
TOO_SLOW = 1008
NORMAL = 1000


class DisconnectedError(Exception):
    """The client is gone; `on_purpose` where it has closed the connection itself."""

    def __init__(self, *, on_purpose: bool = False) -> None:
        """A lost connection says nothing."""
        super().__init__("the client is gone")
        self.on_purpose = on_purpose


class LostError(Exception):
    """The connection is lost, and another one may take the session up: go on receiving."""


class Connection:
    """Implements `ClientLink`; `run` must run for anything to be sent."""

    def __init__(self, websocket: WebSocket) -> None:
        """Take an accepted WebSocket."""
        self._websocket = websocket
        self._outgoing: asyncio.Queue[str | bytes | None] = asyncio.Queue(QUEUE_ITEMS)
        self._close_code = NORMAL
        self.closed = asyncio.Event()

    @property
    def peer(self) -> str:
        """The address at the other end; a proxy's, if one stands between."""
        client = self._websocket.client
        return client.host if client else ""

    def send(self, message: Message) -> None:
        """Queue a message; dropped once the connection is closed."""
        self._put(Codec.write(message))

    def send_audio(self, packet: Packet) -> None:
        """Queue audio; dropped once the connection is closed."""
        self._put(packet.pack())

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Queue a message of the user's own, as JSON."""
        self._put(json.dumps(value))

    async def receive(self) -> str | bytes:
        """Wait for what the browser sends next; raises DisconnectedError."""
        try:
            event = await self._websocket.receive()
        except (RuntimeError, WebSocketDisconnect) as error:
            self.closed.set()
            raise DisconnectedError from error
        if event["type"] == "websocket.disconnect":
            self.closed.set()
            raise DisconnectedError(on_purpose=event.get("code") == NORMAL)
        text: str | None = event.get("text")
        return text if text is not None else bytes(event.get("bytes") or b"")

    async def run(self) -> None:
        """Send what is queued, until `close` or until the browser is gone."""
        try:
            while (item := await self._outgoing.get()) is not None:
                if isinstance(item, str):
                    await self._websocket.send_text(item)
                else:
                    await self._websocket.send_bytes(item)
            if self._websocket.client_state is WebSocketState.CONNECTED:
                await self._websocket.close(self._close_code)
        except (RuntimeError, WebSocketDisconnect, OSError) as error:
            logger.debug("the browser is gone while being sent to: {}", error)
        finally:
            self.closed.set()

    def close(self, code: int = NORMAL) -> None:
        """Close after what is queued was sent."""
        self._close_code = code
        try:
            self._outgoing.put_nowait(None)
        except asyncio.QueueFull:
            self.closed.set()

    def _put(self, item: str | bytes) -> None:
        if self.closed.is_set():
            return
        try:
            self._outgoing.put_nowait(item)
        except asyncio.QueueFull:
            logger.warning("a browser reads too slowly, {} items behind: closed", QUEUE_ITEMS)
            self._close_code = TOO_SLOW
            self.closed.set()
