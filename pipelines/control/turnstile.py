"""How often one address may knock at a worker: asked before the handshake, so it costs little."""

from __future__ import annotations

from collections.abc import Callable

from loguru import logger
from starlette.types import ASGIApp, Receive, Scope, Send

from bargein.control.limits import Limits, Rate, peer_of
from bargein.processors.clock import monotonic_ms

KNOCKS = Rate(burst=100, per_s=10)
"""A page knocks once for each talk; behind one address may be a house full of them."""


class Turnstile:
    """An ASGI application around another one; who knocks too often gets HTTP 403."""

    def __init__(
        self, app: ASGIApp, *, rate: Rate = KNOCKS, clock_ms: Callable[[], float] = monotonic_ms
    ) -> None:
        """Begin with nobody known."""
        self._app, self._limits, self._clock_ms = app, Limits(rate), clock_ms
        self._was_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a connection through, or close it."""
        if scope["type"] == "websocket" and not self._lets_in(scope):
            await receive()
            await send({"type": "websocket.close"})
            return
        await self._app(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        client = scope.get("client")
        peer = peer_of(client[0] if client else None)
        lets_in = self._limits.take(peer, self._clock_ms()) == 0
        if not lets_in and not self._was_told:
            # Once: whoever knocks so often shall not fill the log, too.
            logger.warning("{} connects too often; this is not told again", peer)
            self._was_told = True
        return lets_in
