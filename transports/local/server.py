"""The local room's server: the page at `/`, and one WebSocket at `/ws` for each browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from bargein.errors import ProtocolError
from bargein.protocol import MICROPHONE_RATE_HZ, VERSION, Codec, Hello
from bargein.transports.local.connection import CLOSE_S, Connection
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.failures import tell_failures
from bargein.transports.local.metrics import RoomMetrics
from bargein.transports.local.origin import asks_from_here, may_connect
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.local.transport import Peer


class Routes(Protocol):
    """Other ways into the room."""

    def add_to(self, app: FastAPI) -> None:
        """Add the paths."""

    def lifespan(self, app: FastAPI) -> AbstractAsyncContextManager[None]:
        """What runs as long as the server does."""


HELLO_S = 5.0
TRANSPORT = "/transport"
"""Where a page is told how to connect."""
METRICS_REFUSED = (
    "These figures are for programs of the bot's own machine. "
    "With `metrics: true` under `transport` whoever reaches the port may read them.\n"
)
SECURITY_HEADERS = {
    # 'wasm-unsafe-eval' lets the VAD's WebAssembly run, and nothing else.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The files are small and local; a page of the release before would speak its protocol.
    "Cache-Control": "no-cache",
}


class LocalServer:
    """Answers browsers, and lets them join their conversations."""

    def __init__(
        self,
        room: LocalRoom,
        seats: Seats,
        conversations: Conversations,
        *,
        also: Routes | None = None,
        metrics: RoomMetrics | None = None,
    ) -> None:
        """Build the application, with other routes `also`; whoever runs it opens the port."""
        self._room = room
        self._conversations = conversations
        self._seats = seats
        self._also = also
        self.app = FastAPI(
            title="bargein local room", docs_url=None, redoc_url=None, lifespan=self._lifespan
        )
        self.app.middleware("http")(_add_security_headers)
        self.app.get("/health")(self._health)
        if metrics:
            self.app.get("/metrics")(metrics_route(metrics, for_all=bool(room.metrics)))
        self.app.websocket("/ws")(self._connect)
        if also:
            also.add_to(self.app)
        # Of two routes with one path the first counts.
        self.app.get(TRANSPORT)(_tell_of_websocket)
        page = Path(str(files("bargein.transports"))) / "client"
        self.app.mount("/", StaticFiles(directory=page, html=True), name="page")

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if self._also:
                await stack.enter_async_context(self._also.lifespan(app))
            stack.push_async_callback(self._conversations.end)
            yield

    async def _health(self) -> dict[str, int | str]:
        return {"status": "ok", "sessions": self._seats.taken, "max_sessions": self._seats.most}

    async def _connect(self, websocket: WebSocket) -> None:
        """Serve one browser from the handshake to the last byte."""
        if not may_connect(websocket, self._room.allowed_origins):
            # Before the handshake is accepted, closing answers with HTTP 403.
            await websocket.close()
            return
        await websocket.accept()
        connection = Connection(websocket)
        sender = asyncio.create_task(connection.run())
        try:
            await tell_failures(connection, self._converse(connection))
        finally:
            connection.close()
            await _end(sender)

    async def _converse(self, connection: Connection) -> None:
        await self._conversations.join(connection, await expect_hello(connection))


async def _tell_of_websocket() -> dict[str, str]:
    return {"use": "websocket"}


def metrics_route(
    metrics: RoomMetrics, *, for_all: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Answer Prometheus; if not `for_all`, only where it runs on this machine."""

    async def tell(request: Request) -> Response:
        if not (for_all or asks_from_here(request)):
            return PlainTextResponse(METRICS_REFUSED, status_code=403)
        return Response(metrics.text(), media_type=metrics.content_type)

    return tell


async def expect_hello(connection: Peer) -> Hello:
    """Take the hello; ProtocolError if the first message is none that this server can serve."""
    try:
        async with asyncio.timeout(HELLO_S):
            data = await connection.receive()
    except TimeoutError:
        raise ProtocolError("no_hello", f"no hello came within {HELLO_S:.0f} s") from None
    if not isinstance(data, str):
        raise ProtocolError("no_hello", "the first message is a `bargein/hello`, not audio")
    message = Codec.read_client(data)
    if not isinstance(message, Hello):
        raise ProtocolError("no_hello", f"the first message is a hello, not {message.type}")
    if message.protocol != VERSION:
        raise ProtocolError(
            "version", f"this server speaks bargein/{VERSION}, the client {message.protocol}"
        )
    rate_hz = message.capabilities.microphone_rate_hz
    if rate_hz != MICROPHONE_RATE_HZ:
        raise ProtocolError(
            "bad_rate", f"bargein/1 takes a microphone at {MICROPHONE_RATE_HZ} Hz, not {rate_hz}"
        )
    return message


async def _end(sender: asyncio.Task[None]) -> None:
    """Give the peer a moment to read what is queued."""
    _, late = await asyncio.wait([sender], timeout=CLOSE_S)
    for task in late:
        task.cancel()


async def _add_security_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(SECURITY_HEADERS)
    return response
