"""A session's line to its client: one connection after the other, as if it were one.

What is sent while nobody is there is dropped: the tracker holds the voice meanwhile, and a
welcome tells the rest. `presence.py` decides who is there and who may come back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from loguru import logger

from bargein.errors import ProtocolError
from bargein.packet import Packet
from bargein.presence import Attendance, Do, Happened, Presence
from bargein.protocol import Codec, Error, Goodbye, Hello, Message, Welcome
from bargein.transports.local.connection import DisconnectedError, LostError
from bargein.transports.local.transport import Peer

KEY_BYTES = 32
QUEUE_ITEMS = 64
"""Two seconds of a microphone: what is more waits at the connection."""
LAST_WORD_S = 0.1
"""A connection that can't be written to may still have brought a goodbye."""
TAKEN_OVER = "another connection has taken up this conversation"


class KeptConnection(Peer, Protocol):
    """One connection, as a line needs it."""

    @property
    def closed(self) -> asyncio.Event:
        """Set when nothing more can be sent."""

    @property
    def peer(self) -> str:
        """Who is at the other end, as the network tells."""


class _Lost:
    """Stands in the queue behind all that a lost connection has brought."""


class KeptLine:
    """Implements `ClientLink` and what a transport reads from; `closed` ends the session."""

    def __init__(
        self, connection: KeptConnection, *, grace_ms: float, clock_ms: Callable[[], float]
    ) -> None:
        """Begin with the connection that has said hello; `carry` is to be run with it."""
        self.closed = asyncio.Event()
        self.session = ""
        """Its id, known from the first welcome on."""
        self.peer = connection.peer
        """Who began it."""
        self._connection: KeptConnection | None = connection
        self._attendance = Attendance(grace_ms)
        self._clock_ms = clock_ms
        self._incoming: asyncio.Queue[str | bytes | _Lost | None] = asyncio.Queue(QUEUE_ITEMS)
        self._reading: asyncio.Task[bool] | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._renews = True
        self._unconfirmed = True

    @property
    def away(self) -> bool:
        """Whether it waits for its client."""
        return self._attendance.state is Presence.AWAY

    # --- to the client -------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message; dropped while nobody is there."""
        if isinstance(message, Welcome):
            message = self._with_key(message)
        if self._connection:
            self._connection.send(message)

    def send_audio(self, packet: Packet) -> None:
        """Send audio; dropped while nobody is there."""
        if self._connection:
            self._connection.send_audio(packet)

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own; dropped while nobody is there."""
        if self._connection:
            self._connection.send_value(value)

    def _with_key(self, welcome: Welcome) -> Welcome:
        """One key for each connection: a welcome that is said again has the same."""
        attendance, self.session = self._attendance, welcome.session
        if not attendance.grace_ms:
            return welcome
        if self._renews:
            self._renews = False
            attendance.give(secrets.token_urlsafe(KEY_BYTES))
        told = {"key": attendance.keys[-1], "grace_s": attendance.grace_ms / 1000}
        return welcome.model_copy(update=told)

    # --- what the session hears ----------------------------------------------------------

    async def receive(self) -> str | bytes:
        """Wait for what comes next; LostError as `Peer` says, DisconnectedError when it is over."""
        item = None if self.closed.is_set() else await self._incoming.get()
        if isinstance(item, _Lost):
            raise LostError
        if item is None:
            raise DisconnectedError
        return item

    def close(self) -> None:
        """The session is over."""
        self._hear(Happened.ENDED)

    # --- the server's side ---------------------------------------------------------------

    def opens(self, hello: Hello) -> bool:
        """Whether this hello takes the session up."""
        resume = hello.resume
        if resume is None or not self.session or resume.session != self.session:
            return False
        return self._attendance.opens(resume.key)

    async def carry(self, connection: KeptConnection, hello: Hello | None = None) -> None:
        """Hand on what a connection says until it is over, or another one has its place.

        With a `hello` it takes the session up; without, it is the first one.
        """
        if hello is not None:
            self._take_over(connection)
        reading = asyncio.create_task(self._read(connection, hello))
        self._reading = reading
        ending = [asyncio.create_task(each.wait()) for each in (self.closed, connection.closed)]
        try:
            await asyncio.wait([reading, *ending], return_when=asyncio.FIRST_COMPLETED)
            if not self.closed.is_set():
                await asyncio.wait([reading], timeout=LAST_WORD_S)
        finally:
            for task in (reading, *ending):
                task.cancel()
            left = reading.done() and not reading.cancelled() and reading.result()
            self._lose(connection, on_purpose=left)

    def _take_over(self, connection: KeptConnection) -> None:
        """Make it the session's."""
        if self._reading:
            self._reading.cancel()
        self._hear(Happened.RETURNED)
        self._connection = connection
        self._renews = self._unconfirmed = True

    async def _read(self, connection: KeptConnection, hello: Hello | None) -> bool:
        """Read it to its end; True if the client has left on purpose."""
        if hello is not None:
            await self._incoming.put(Codec.write(hello))
        while True:
            try:
                data = await connection.receive()
            except DisconnectedError as gone:
                return gone.on_purpose
            if self._unconfirmed:
                self._confirm(data)
            if isinstance(data, str) and _is_goodbye(data):
                return True
            await self._incoming.put(data)

    def _confirm(self, data: str | bytes) -> None:
        """What is no hello comes behind the welcome."""
        if not isinstance(data, str) or '"bargein/hello"' not in data:
            self._unconfirmed = False
            self._attendance.confirm()

    # --- inside --------------------------------------------------------------------------

    def _lose(self, connection: KeptConnection, *, on_purpose: bool) -> None:
        """A connection is over; that of one whose place is taken says nothing any more."""
        if self._connection is connection:
            self._hear(Happened.LEFT if on_purpose else Happened.DROPPED)

    def _hear(self, happened: Happened) -> tuple[Do, ...]:
        done = self._attendance.hear(happened, self._clock_ms())
        before = self._connection
        for each in done:
            match each:
                case Do.DISMISS if before:
                    before.send(Error(code="taken_over", message=TAKEN_OVER, final=True))
                    before.close()
                case Do.HOLD:
                    self._connection = None
                    self._put_now(_Lost())
                case Do.END:
                    self._end()
        self._watch_grace()
        return done

    def _watch_grace(self) -> None:
        if self._grace:
            self._grace.cancel()
            self._grace = None
        left_ms = self._attendance.left_ms(self._clock_ms())
        if left_ms is not None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(left_ms / 1000, self._grace_ended)

    def _grace_ended(self) -> None:
        logger.info("nobody came back to session {}: it is over", self.session)
        self._hear(Happened.GRACE_ENDED)

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        self.closed.set()
        self._put_now(None)
        if connection:
            connection.close()

    def _put_now(self, item: _Lost | None) -> None:
        """It can't wait: a bot that is so far behind loses a window of the microphone."""
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(item)


def _is_goodbye(text: str) -> bool:
    if '"bargein/goodbye"' not in text:
        return False
    try:
        return isinstance(Codec.read_client(text), Goodbye)
    except ProtocolError:
        return False
