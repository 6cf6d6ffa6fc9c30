"""The bot's end of a worker's network: accepts inside, connects on to the one permitted place."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from bargein.processors.sandbox.destinations import Destination

MOST_CONNECTIONS = 8
"""At once, of one worker; more are closed as they come."""
MOST_BYTES = 32 << 20
"""Of one worker, both ways together."""
CONNECT_WITHIN_S = 5.0
CHUNK_BYTES = 65_536

connect = asyncio.open_connection
"""How the bot reaches a permitted place."""
Taking = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
"""What is called with each new connection."""


class Relay:
    """Relays for one worker. Whoever makes it calls `close`."""

    def __init__(self) -> None:
        """Nothing is permitted yet."""
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes_left = MOST_BYTES

    async def open(self, listening: Sequence[socket.socket], to: Sequence[Destination]) -> None:
        """Serve the sockets that a worker listens with; each stands for one place."""
        for each, place in zip(listening, to, strict=True):
            each.setblocking(False)
            server = await asyncio.start_server(self._taking(place), sock=each)
            self._servers.append(server)

    def close(self) -> None:
        """End every connection, at once."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()

    def _taking(self, place: Destination) -> Taking:
        def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._tasks) >= MOST_CONNECTIONS:
                writer.close()
                return
            task = asyncio.create_task(self._connect(place, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return take

    async def _connect(
        self, place: Destination, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                far_reader, far_writer = await connect(place.host, place.port)
        except (OSError, TimeoutError):
            writer.close()
            return
        except asyncio.CancelledError:
            writer.close()
            raise
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, far_writer))
                both.create_task(self._pass_on(far_reader, writer))
        except* OSError:
            pass
        finally:
            writer.close()
            far_writer.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on until the source ends; beyond the bound the connection is cut."""
        while data := await source.read(CHUNK_BYTES):
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                raise ConnectionAbortedError
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
