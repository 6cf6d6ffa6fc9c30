"""The bot's end of the channel to one worker, which may say anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence

from bargein.processors.sandbox import channel
from bargein.processors.sandbox.destinations import Destination
from bargein.processors.sandbox.outcome import Failure
from bargein.processors.sandbox.relay import Relay
from bargein.processors.sandbox.setup import Setup
from bargein.tools.keywords import Json


class WorkerError(Exception):
    """There is no answer; `detail` is for the log alone."""

    def __init__(self, code: Failure, detail: str) -> None:
        """Keep why."""
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


class ChannelClosedError(Exception):
    """The worker has ended, or closed its end."""


class Line:
    """Whoever calls `open` calls `close`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, relay: Relay
    ) -> None:
        """`open` does this."""
        self._reader, self._writer, self._relay = reader, writer, relay

    @classmethod
    async def open(cls, ours: socket.socket, setup: Setup, to: Sequence[Destination]) -> Line:
        """Tell the worker its setup and wait until it is ready; takes the socket over."""
        relay = Relay()
        try:
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(ours, channel.packed(channel.SETUP, setup.as_bytes()))
            if setup.listeners:
                await relay.open(await _listening(ours, len(to)), to)
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException as error:
            relay.close()
            ours.close()
            raise (ChannelClosedError() if isinstance(error, OSError) else error) from None
        line = cls(reader, writer, relay)
        try:
            await line.receive(channel.READY, 0)
        except BaseException:
            line.close()
            raise
        return line

    @property
    def is_open(self) -> bool:
        """Whether the worker has not closed it, as far as is known."""
        return not self._reader.at_eof()

    async def send(self, kind: bytes, payload: bytes) -> None:
        """Send a message; raises `ChannelClosedError`."""
        try:
            self._writer.write(channel.packed(kind, payload))
            await self._writer.drain()
        except ConnectionError:
            raise ChannelClosedError from None

    async def receive(self, expected: bytes, most_bytes: int) -> bytes:
        """Give the payload of the next message, whose length is bounded before it is read.

        Raises `ChannelClosedError`, and `WorkerError` where the worker says that there is none.
        """
        try:
            kind, length = channel.HEADER.unpack(
                await self._reader.readexactly(channel.HEADER.size)
            )
            if kind == channel.TROUBLE and length <= channel.MAX_TROUBLE_BYTES:
                raise _trouble(await self._reader.readexactly(length))
            if kind != expected:
                raise WorkerError(Failure.BAD_ANSWER, f"{kind!r} in place of {expected!r}")
            if length > most_bytes:
                raise WorkerError(Failure.TOO_LARGE, f"{length} bytes, at most {most_bytes}")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ChannelClosedError from None

    async def hand_over(
        self, arguments: Mapping[str, Json]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Call the function, and leave what is said from then on to others; still close it."""
        await self.send(channel.CALL, channel.dumped(dict(arguments)))
        return self._reader, self._writer

    def close(self) -> None:
        """Close it, and all connections that it made for the worker."""
        self._relay.close()
        self._writer.close()


async def _listening(ours: socket.socket, count: int) -> list[socket.socket]:
    """Take the sockets that the worker listens with; nothing of a tool's runs there yet."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(ours, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(ours)
    header, descriptors, *_ = socket.recv_fds(ours, channel.HEADER.size, count)
    listening = [socket.socket(fileno=each) for each in descriptors]
    if header == channel.packed(channel.LISTENING) and len(listening) == count:
        return listening
    for each in listening:
        each.close()
    if header[:1] == channel.TROUBLE:
        raise _trouble(await loop.sock_recv(ours, channel.MAX_TROUBLE_BYTES))
    raise ChannelClosedError


def _trouble(payload: bytes) -> WorkerError:
    """Read what a worker says of itself; it is not to be trusted either."""
    try:
        told = channel.loaded(payload)
        return WorkerError(Failure(told["code"]), str(told["detail"]))
    except (channel.BadAnswerError, ValueError, KeyError, TypeError):
        return WorkerError(Failure.BAD_ANSWER, "it told of trouble in no form that is known")
