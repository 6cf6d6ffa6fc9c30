"""A scripted server for the client: speaks `bargein/1`, and serves the client's files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from bargein.packet import Flag, Kind, Packet
from bargein.protocol import ClientMessage, Codec, Error, Hello, Message, Ping, Pong, Welcome

from .ramp import ramp

CLIENT = Path(__file__).parents[2] / "transports" / "client"
RIG = Path(__file__).with_name("engine_rig.js")
PATIENCE_S = 10.0
"""How long a test waits for what must come; a slow machine may need some of it."""
BOT_RATE_HZ = 24_000
CHUNK_SAMPLES = BOT_RATE_HZ // 25
CONTENT_TYPES = {
    ".js": "text/javascript",
    ".wasm": "application/wasm",
    ".html": "text/html",
    ".f24": "application/octet-stream",
}
EMPTY_PAGE = b"<!doctype html><title>test</title><link rel=icon href=data:,>"
POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:"
"""As strict as a page can be that runs WebAssembly."""
MessageT = TypeVar("MessageT", bound=Message)


class Peer:
    """The server's side: says what the test tells it to, and keeps what it hears.

    It answers pings and the hello by itself; everything else is the test's.
    """

    def __init__(self, welcome: Welcome | Error) -> None:
        self.welcome = welcome
        self.messages: list[ClientMessage] = []
        self.microphone: list[Packet] = []
        self.url = ""
        self._connection: ServerConnection | None = None
        self._changed = asyncio.Event()

    async def talk(self, connection: ServerConnection) -> None:
        """Serve one connection until it ends."""
        self._connection = connection
        try:
            async for data in connection:
                await self._hear(data)
                self._changed.set()
        except ConnectionClosed:
            return

    async def _hear(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.microphone.append(Packet.unpack(data))
            return
        message = Codec.read_client(data)
        self.messages.append(message)
        if isinstance(message, Ping):
            await self.say(Pong(clock_ms=message.clock_ms, server_clock_ms=1000))
        if isinstance(message, Hello):
            await self.say(self.welcome)

    async def say(self, message: Message) -> None:
        """Send a message."""
        assert self._connection is not None
        await self._connection.send(Codec.write(message))

    async def leave(self) -> None:
        """Close the connection, as a server that ends does."""
        assert self._connection is not None
        await self._connection.close()

    async def play(
        self, utterance: int, start: int, count: int, *, epoch: int = 1, last: bool = False
    ) -> None:
        """Send a stretch of the utterance's ramp in packets of 40 ms; one empty packet for 0."""
        assert self._connection is not None
        end = start + count
        for first in range(start, max(end, start + 1), CHUNK_SAMPLES):
            samples = min(CHUNK_SAMPLES, end - first)
            flags = Flag.LAST if last and first + samples == end else Flag.NONE
            pcm = ramp(utterance, first, samples).tobytes()
            packet = Packet(Kind.BOT, epoch, utterance, first, pcm, flags)
            await self._connection.send(packet.pack())

    def heard(self, kind: type[MessageT]) -> list[MessageT]:
        """All messages of this kind so far."""
        return [message for message in self.messages if isinstance(message, kind)]

    async def until(self, come: Callable[[], bool]) -> None:
        """Wait until `come` holds, which is asked again after each message; bounded."""
        async with asyncio.timeout(PATIENCE_S):
            while not come():
                self._changed.clear()
                await self._changed.wait()

    async def next(self, kind: type[MessageT], number: int = 1) -> MessageT:
        """Wait for the message of this kind with this number, counted from 1."""
        await self.until(lambda: len(self.heard(kind)) >= number)
        return self.heard(kind)[number - 1]


@asynccontextmanager
async def serving(welcome: Welcome | Error, *, policy: str = POLICY) -> AsyncIterator[Peer]:
    """A peer that serves on a free port of this machine, its page under this policy."""
    peer = Peer(welcome)

    def answer_so(connection: ServerConnection, request: Request) -> Response | None:
        response = answer(connection, request)
        if response is not None:
            response.headers["Content-Security-Policy"] = policy
        return response

    async with serve(peer.talk, "127.0.0.1", 0, process_request=answer_so) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        peer.url = f"http://127.0.0.1:{port}/"
        yield peer


def answer(connection: ServerConnection, request: Request) -> Response | None:
    """Serve the client's files, an empty page at `/`, and leave `/ws` to the peer."""
    del connection
    path = request.path.split("?")[0]
    if path == "/ws":
        return None
    if path == "/":
        return _response(HTTPStatus.OK, ".html", EMPTY_PAGE)
    return file_response(path)


def file_response(path: str) -> Response:
    """Give one of the client's files, or the rig that drives the engine without audio."""
    file = RIG if path == f"/{RIG.name}" else CLIENT / path[1:]
    if not file.is_file():
        return _response(HTTPStatus.NOT_FOUND, ".html", b"")
    return _response(HTTPStatus.OK, file.suffix, file.read_bytes())


def _response(status: HTTPStatus, suffix: str, body: bytes) -> Response:
    headers = Headers()
    headers["Content-Type"] = CONTENT_TYPES[suffix]
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, body)
