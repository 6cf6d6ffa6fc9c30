"""A WebSocket without a network: what a bot of either kind is connected to in the bench.

It has the methods of Starlette's WebSocket that both sides call, so each runs its own
transport unchanged; only the server's socket is left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocketState

Heard = Callable[[str | bytes], None]


class Line:
    """One caller's line; `acknowledged_ms` grows by one figure for each interruption."""

    def __init__(self, heard: Heard) -> None:
        """`heard` gets what the bot sends."""
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self.headers: dict[str, str] = {}
        self.acknowledged_ms: list[float] = []
        self.chunks = 0
        """How many of the microphone's chunks the bot has taken."""
        self.sent_s = 0.0
        """When the caller sent what was received last."""
        self._heard = heard
        self._incoming: asyncio.Queue[tuple[float, str | bytes] | None] = asyncio.Queue()
        self._detected_s: float | None = None

    def put(self, sent_s: float, data: str | bytes) -> None:
        """The caller sent this."""
        self._incoming.put_nowait((sent_s, data))

    def detected(self, sent_s: float) -> None:
        """Speech over the bot is known from what the caller sends at this time."""
        self._detected_s = sent_s

    def acknowledged(self) -> None:
        """The bot stops because of it."""
        if self._detected_s is not None:
            self.acknowledged_ms.append((time.monotonic() - self._detected_s) * 1000)
            self._detected_s = None

    def withdrawn(self) -> None:
        """It was nothing to stop for."""
        self._detected_s = None

    async def receive(self) -> dict[str, Any]:
        """Give what the caller sent next, as ASGI has it."""
        received = await self._incoming.get()
        if received is None:
            self.client_state = self.application_state = WebSocketState.DISCONNECTED
            return {"type": "websocket.disconnect"}
        self.sent_s, data = received
        if isinstance(data, str):
            return {"type": "websocket.receive", "text": data}
        self.chunks += 1
        return {"type": "websocket.receive", "bytes": data}

    async def send_bytes(self, data: bytes) -> None:
        """Send audio to the caller."""
        self._heard(data)

    async def send_text(self, data: str) -> None:
        """Send a message to the caller."""
        self._heard(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Hang up."""
        self.hang_up()

    def hang_up(self) -> None:
        """End what `receive` gives."""
        self._incoming.put_nowait(None)
