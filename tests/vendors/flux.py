"""Deepgram's Flux (`/v2/listen`), which decides itself when a turn is over, on this machine.

Its transcript comes as nova's does here. Whether a pause ends the turn is asked of a judge, a
function from the turn's sound to a probability: the vendor's own model is not to be had.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bargein.rehearsal.levels import from_pcm
from tests.vendors.account import Account
from tests.vendors.deepgram import LISTS, Listening
from tests.vendors.ear import RATE_HZ, Ear, HeardTurn, Understood
from tests.vendors.latency import Recognition, now_ms

Judge = Callable[[NDArray[np.float32]], float]
"""From 16 kHz sound, up to `LONGEST_S`, to the probability that the turn is over."""
LONGEST_S = 8
FIRST_ASKED_MS = 200
"""The judge is asked at so much silence, as everybody's smart turn here..."""
ASKED_EVERY_MS = 100
"""...and again, as long as it lasts."""
TICK_S = 0.01
END_THRESHOLD = 0.7
END_TIMEOUT_MS = 5_000
"""The vendor's defaults."""


class Flux:
    """A server; `async with server.open() as url`."""

    def __init__(
        self,
        turns: Sequence[HeardTurn],
        judge: Judge,
        latency: Callable[[int], Recognition] = lambda number: Recognition(),
    ) -> None:
        """Hear these turns on each connection; `latency` is asked with its number, from 0."""
        self._turns, self._judge, self._latency = turns, judge, latency
        self.account = Account(LISTS)
        self.connections: list[Listening] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Serve, and give the address: `ws://127.0.0.1:PORT`."""
        door = self.account.answer
        async with serve(self._serve, "127.0.0.1", 0, process_request=door) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        seen = Listening(len(self.connections), query)
        self.connections.append(seen)
        ear = Ear(self._turns, self._latency(seen.number))
        with suppress(ConnectionClosed):
            await _Conversation(socket, seen, ear, self._judge).run()
        seen.closed = True


class _Conversation:
    """A connection at work."""

    def __init__(self, socket: ServerConnection, seen: Listening, ear: Ear, judge: Judge) -> None:
        self._socket, self._seen, self._ear, self._judge = socket, seen, ear, judge
        eager = seen.query.get("eager_eot_threshold")
        self._eager_threshold = float(eager[0]) if eager else None
        self._end_threshold = float(seen.query.get("eot_threshold", [str(END_THRESHOLD)])[0])
        self._sound = bytearray()
        self._arrived_ms = now_ms()
        self._number = 0
        self._finals: list[str] = []
        self._text = ""
        self._pending = False
        """Words are there that are not final."""
        self._eager = False
        self._confidence = 0.0
        self._asked_at_ms = 0.0

    async def run(self) -> None:
        """Hear until the client has left."""
        connected = {"type": "Connected", "request_id": "request", "sequence_id": 0}
        await self._socket.send(json.dumps(connected))
        telling = asyncio.create_task(self._tell())
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    self._hear(message)
                elif json.loads(message).get("type") == "CloseStream":
                    return
        finally:
            telling.cancel()

    def _hear(self, pcm: bytes) -> None:
        self._seen.audio_bytes += len(pcm)
        self._ear.take(pcm)
        self._arrived_ms = now_ms()
        self._sound += pcm
        del self._sound[: -LONGEST_S * RATE_HZ * 2]

    async def _tell(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                now = self._ear.heard_ms + now_ms() - self._arrived_ms
                for result in self._ear.results(now):
                    await self._understand(result)
                await self._judge_pause()
                await asyncio.sleep(TICK_S)

    async def _understand(self, result: Understood) -> None:
        self._seen.results.append((now_ms(), result))
        before = self._text
        self._text = " ".join([*self._finals, result.text])
        self._pending = not result.final
        if result.final:
            self._finals.append(result.text)
        elif self._eager:
            self._eager = False
            await self._send("TurnResumed")
        await self._send("Update" if before else "StartOfTurn")

    async def _judge_pause(self) -> None:
        """Ask whether the turn is over, and say so, once its transcript is final."""
        silent_ms = self._ear.silent_ms
        if not self._text or silent_ms < FIRST_ASKED_MS:
            self._asked_at_ms = self._confidence = 0.0
            return
        if silent_ms - self._asked_at_ms >= ASKED_EVERY_MS:
            self._asked_at_ms = silent_ms
            sound = from_pcm(bytes(self._sound))
            self._confidence = await asyncio.to_thread(self._judge, sound)
        over = self._confidence >= self._end_threshold or silent_ms >= END_TIMEOUT_MS
        if over and not self._pending:
            await self._send("EndOfTurn")
            self._number += 1
            self._finals, self._text, self._eager = [], "", False
            # What was said is no part of the next turn.
            self._sound.clear()
        elif self._may_predict and not self._eager:
            self._eager = True
            await self._send("EagerEndOfTurn")

    @property
    def _may_predict(self) -> bool:
        return self._eager_threshold is not None and self._confidence >= self._eager_threshold

    async def _send(self, event: str) -> None:
        words = [{"word": word, "confidence": 0.98} for word in self._text.split()]
        told: dict[str, Any] = {
            "type": "TurnInfo",
            "request_id": "request",
            "event": event,
            "turn_index": self._number,
            "audio_window_start": 0.0,
            "audio_window_end": self._ear.heard_ms / 1000,
            "transcript": self._text,
            "words": words,
            "end_of_turn_confidence": self._confidence,
        }
        await self._socket.send(json.dumps(told))
