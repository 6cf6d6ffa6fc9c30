"""ElevenLabs' multi-context WebSocket (`multi-stream-input`), on this machine.

Each context speaks its texts in order, contexts side by side. With `auto_mode` each text is spoken
as it comes; without it, text waits until there is enough (`chunk_length_schedule`, as documented)
or until a flush. Audio comes in pieces with the time of each character, from 0 in each piece.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.vendors.account import Account
from tests.vendors.latency import Synthesis, now_ms, until_ms
from tests.vendors.voice import RATE_HZ, number_in, tone

SCHEDULE_CHARS = (120, 160, 250, 290)
"""How much text is waited for without auto mode; the vendor's default."""
CHAR_MS = 16
"""A character takes so long to say: a hurried voice, so that conversations are short."""
LISTS: dict[str, Any] = {
    "/v1/models": [
        {"model_id": name, "name": name, "can_do_text_to_speech": name != "scribe_v1"}
        for name in ("eleven_flash_v2_5", "eleven_multilingual_v2", "scribe_v1")
    ],
    "/v2/voices": {
        "voices": [
            {"voice_id": "sarah01", "name": "Sarah"},
            {"voice_id": "bill02", "name": "Bill"},
        ],
        "has_more": False,
        "total_count": 2,
    },
}
"""What an account can read."""


class Wrong(Enum):
    """What goes wrong with a text."""

    NOTHING = auto()
    SILENT = auto()
    """No audio comes, nor an end."""
    FAILS = auto()
    """An error, and the connection is closed, as for a broken rule."""
    LEAVES = auto()
    """The connection is cut behind the first piece."""
    GARBLED = auto()
    """What is no JSON comes behind the first piece."""


ERROR_CODE = 1008


@dataclass(slots=True)
class Spoken:
    """A context: what was to be said and what was."""

    id: str
    opened_ms: float
    """Of the monotonic clock."""
    texts: list[str] = field(default_factory=list)
    audio_bytes: int = 0
    first_ms: float | None = None
    """When the first audio was sent."""
    closed: bool = False
    """The client has closed it."""
    finished: bool = False
    """All was said."""

    @property
    def chars(self) -> int:
        """What is billed."""
        return sum(len(text) for text in self.texts)


class ElevenLabs:
    """A server; `async with server.open() as url`."""

    def __init__(
        self,
        latency: Callable[[int], Synthesis] = lambda number: Synthesis(),
        *,
        wrong: Callable[[str], Wrong] = lambda text: Wrong.NOTHING,
    ) -> None:
        """`latency` is asked with the number of the context, from 1; `wrong` with each text."""
        self._latency, self._wrong = latency, wrong
        self.account = Account(LISTS)
        self.sockets: set[ServerConnection] = set()
        self.contexts: list[Spoken] = []
        self.left = 0
        """So many clients have gone."""

    @asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator[str]:
        """Serve, and give the address: `ws://127.0.0.1:PORT`; 0 takes any free port."""
        door = self.account.answer
        async with serve(self._serve, "127.0.0.1", port, process_request=door) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def drop(self) -> None:
        """Cut all connections, as a network does."""
        for socket in self.sockets:
            socket.transport.abort()
        self.sockets.clear()

    async def babble(self, data: str | bytes) -> None:
        """Say something on all connections that is not in the protocol."""
        for socket in self.sockets:
            await socket.send(data)

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.sockets.add(socket)
        auto_mode = query.get("auto_mode", ["false"]) == ["true"]
        speaking: dict[str, _Context] = {}
        try:
            async for message in socket:
                order = json.loads(message)
                if order.get("close_socket"):
                    return
                if name := order.get("context_id"):
                    if name not in speaking:
                        speaking[name] = self._open(socket, name, auto_mode=auto_mode)
                    speaking[name].obey(order)
        except ConnectionClosed:
            pass
        finally:
            self.left += 1
            for context in speaking.values():
                context.stop()

    def _open(self, socket: ServerConnection, name: str, *, auto_mode: bool) -> _Context:
        seen = Spoken(name, now_ms())
        self.contexts.append(seen)
        latency = self._latency(len(self.contexts))
        return _Context(socket, seen, latency, self._wrong, auto_mode=auto_mode)


class _Context:
    """A context at work."""

    def __init__(
        self,
        socket: ServerConnection,
        seen: Spoken,
        latency: Synthesis,
        wrong: Callable[[str], Wrong],
        *,
        auto_mode: bool,
    ) -> None:
        self._socket, self._seen, self._latency, self._wrong = socket, seen, latency, wrong
        self._auto_mode = auto_mode
        self._buffer = ""
        self._chunks = 0
        self._number: int | None = None
        self._samples = 0
        self._to_say: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._speak())

    def obey(self, order: dict[str, Any]) -> None:
        """Do as a message says."""
        text = order.get("text") or ""
        if text.strip():
            self._seen.texts.append(text)
            self._buffer += text
        wanted = SCHEDULE_CHARS[min(self._chunks, len(SCHEDULE_CHARS) - 1)]
        closes = bool(order.get("close_context"))
        if self._auto_mode or closes or order.get("flush") or len(self._buffer) >= wanted:
            self._say_buffer()
        if closes and not self._seen.closed:
            self._seen.closed = True
            self._to_say.put_nowait(None)

    def stop(self) -> None:
        """Nobody listens any more."""
        self._task.cancel()

    def _say_buffer(self) -> None:
        if self._buffer:
            self._to_say.put_nowait((self._buffer, now_ms()))
            self._buffer, self._chunks = "", self._chunks + 1

    async def _speak(self) -> None:
        free_ms = 0.0
        with suppress(ConnectionClosed):
            while text := await self._to_say.get():
                begun_ms = max(free_ms, text[1])
                await self._say(text[0], begun_ms)
                free_ms = begun_ms + self._latency.at_ms(len(text[0]), len(text[0]))
            self._seen.finished = True
            await self._send({"isFinal": True})

    async def _say(self, text: str, begun_ms: float) -> None:
        if self._number is None:
            self._number = number_in(text)
        elif not text[0].isspace():
            # As Flash does: a later text begins with the space that parts it from the one before.
            text = f" {text}"
        wrong = self._wrong(text)
        if wrong in (Wrong.SILENT, Wrong.FAILS):
            await self._go_wrong(wrong)
        size = self._latency.piece_chars
        for at in range(0, len(text), size):
            piece = text[at : at + size]
            await until_ms(begun_ms + self._latency.at_ms(at + len(piece), len(text)))
            await self._send_piece(piece)
            if wrong is Wrong.LEAVES:
                self._socket.transport.abort()
            elif wrong is Wrong.GARBLED and not at:
                await self._socket.send('{"audio": "AAAA')

    async def _go_wrong(self, wrong: Wrong) -> None:
        if wrong is Wrong.SILENT:
            # Until the client has left.
            await asyncio.Event().wait()
        await self._send({"message": "that is not allowed", "error": "policy", "code": ERROR_CODE})
        await self._socket.close(ERROR_CODE)

    async def _send_piece(self, piece: str) -> None:
        samples = len(piece) * CHAR_MS * RATE_HZ // 1000
        pcm = tone(self._number or 0, self._samples, samples)
        self._samples += samples
        self._seen.audio_bytes += len(pcm)
        self._seen.first_ms = self._seen.first_ms or now_ms()
        alignment = {
            "chars": list(piece),
            "charStartTimesMs": [CHAR_MS * i for i in range(len(piece))],
            "charDurationsMs": [CHAR_MS] * len(piece),
        }
        audio = base64.b64encode(pcm).decode()
        await self._send({"audio": audio, "alignment": alignment, "normalizedAlignment": alignment})

    async def _send(self, fields: dict[str, Any]) -> None:
        await self._socket.send(json.dumps({**fields, "contextId": self._seen.id}))
