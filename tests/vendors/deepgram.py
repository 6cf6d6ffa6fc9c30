"""Deepgram's live recognition (`/v1/listen`), as nova speaks it, on this machine.

What is sent: `Results` word by word, final where speech paused or a `Finalize` asked, and
`Metadata` behind a `CloseStream`. It counts what a client sends and when it left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.vendors.account import Account
from tests.vendors.ear import RATE_HZ, Ear, HeardTurn, Understood
from tests.vendors.latency import Recognition, now_ms, until_ms

CONFIDENCE = 0.98
MODEL = {"name": "general-nova-3", "version": "2025-04-17.0", "arch": "nova-3"}
LISTS: dict[str, Any] = {
    "/v1/projects": {"projects": [{"project_id": "project", "name": "voice bots"}]},
    "/v1/models": {
        "stt": [
            {"name": "general", "canonical_name": name, "streaming": True}
            for name in ("nova-3-general", "nova-3-medical", "flux-general-en")
        ]
    },
}
"""What an account can read; a model may stand there once for each language."""


Spoil = Callable[[Understood], Sequence[tuple[float, Understood]]]
"""What is sent in place of a result, each after so many ms."""


def as_it_is(result: Understood) -> Sequence[tuple[float, Understood]]:
    """Nothing goes wrong."""
    return [(0.0, result)]


@dataclass(slots=True)
class Listening:
    """One connection: what came, what was said."""

    number: int
    query: dict[str, list[str]]
    audio_bytes: int = 0
    finalizes: int = 0
    keep_alives: int = 0
    results: list[tuple[float, Understood]] = field(default_factory=list)
    """With the ms (monotonic) at which each was sent."""
    closed: bool = False
    """The client has left."""

    @property
    def seconds(self) -> float:
        """What is billed."""
        return self.audio_bytes / 2 / RATE_HZ


class Deepgram:
    """A server; `async with server.open() as url`."""

    def __init__(
        self,
        turns: Sequence[HeardTurn],
        latency: Callable[[int], Recognition] = lambda number: Recognition(),
        *,
        spoil: Spoil = as_it_is,
    ) -> None:
        """Hear these turns on each connection; `latency` is asked with its number, from 0.

        `spoil` may make something else of each result.
        """
        self._turns, self._spoil = turns, spoil
        self._latency = latency
        self.account = Account(LISTS)
        self.sockets: set[ServerConnection] = set()
        self.connections: list[Listening] = []

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
        seen = Listening(len(self.connections), query)
        self.connections.append(seen)
        with suppress(ConnectionClosed):
            latency = self._latency(seen.number)
            await _Conversation(socket, seen, self._turns, latency, self._spoil).run()
        seen.closed = True


class _Conversation:
    """A connection at work."""

    def __init__(
        self,
        socket: ServerConnection,
        seen: Listening,
        turns: Sequence[HeardTurn],
        latency: Recognition,
        spoil: Spoil,
    ) -> None:
        self._socket, self._seen, self._spoil = socket, seen, spoil
        self._later: set[asyncio.Task[None]] = set()
        self._ear = Ear(turns, latency)
        self._news = asyncio.Event()
        self._arrived_ms = now_ms()

    async def run(self) -> None:
        """Hear until the client has left."""
        telling = asyncio.create_task(self._tell())
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    self._hear(message)
                elif not await self._obey(json.loads(message)):
                    return
        finally:
            for task in (telling, *self._later):
                task.cancel()

    def _hear(self, pcm: bytes) -> None:
        self._seen.audio_bytes += len(pcm)
        self._ear.take(pcm)
        self._arrived_ms = now_ms()
        self._news.set()

    async def _obey(self, order: dict[str, Any]) -> bool:
        """Do as the client says; False ends the connection."""
        match order.get("type"):
            case "KeepAlive":
                self._seen.keep_alives += 1
            case "Finalize":
                self._seen.finalizes += 1
                if at_once := self._ear.finalize():
                    await self._send(at_once)
                self._news.set()
            case "CloseStream":
                await self._send_json({"type": "Metadata", **_metadata(self._seen)})
                return False
        return True

    async def _tell(self) -> None:
        """Say each result when it is due: the clock goes on between two packets of audio."""
        with suppress(ConnectionClosed):
            while True:
                for result in self._ear.results(self._audio_now_ms):
                    await self._send(result)
                self._news.clear()
                due_ms = self._ear.due_ms()
                wait_s = None if due_ms is None else max(0.0, due_ms - self._audio_now_ms) / 1000
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), wait_s)

    @property
    def _audio_now_ms(self) -> float:
        return self._ear.heard_ms + now_ms() - self._arrived_ms

    async def _send(self, result: Understood) -> None:
        for after_ms, each in self._spoil(result):
            if after_ms:
                task = asyncio.create_task(self._send_at(now_ms() + after_ms, each))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
            else:
                await self._send_now(each)

    async def _send_at(self, at_ms: float, result: Understood) -> None:
        await until_ms(at_ms)
        with suppress(ConnectionClosed):
            await self._send_now(result)

    async def _send_now(self, result: Understood) -> None:
        self._seen.results.append((now_ms(), result))
        await self._send_json(_results(result, self._seen))

    async def _send_json(self, value: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(value))


def _results(result: Understood, seen: Listening) -> dict[str, Any]:
    words = [
        {
            "word": word.text.strip(",.?!").lower(),
            "start": word.start_ms / 1000,
            "end": word.end_ms / 1000,
            "confidence": CONFIDENCE,
            "punctuated_word": word.text,
        }
        for word in result.words
    ]
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": result.start_s,
        "duration": result.duration_s,
        "is_final": result.final,
        "speech_final": result.ends_speech,
        "from_finalize": result.asked,
        "channel": {
            "alternatives": [{"transcript": result.text, "confidence": CONFIDENCE, "words": words}]
        },
        "metadata": {
            "request_id": f"request-{seen.number}",
            "model_info": MODEL,
            "model_uuid": "00000000-0000-0000-0000-000000000000",
        },
    }


def _metadata(seen: Listening) -> dict[str, Any]:
    return {
        "transaction_key": "deprecated",
        "request_id": f"request-{seen.number}",
        "sha256": "",
        "created": "2026-01-01T00:00:00.000Z",
        "duration": seen.seconds,
        "channels": 1,
    }
