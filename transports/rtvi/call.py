"""One RTVI client from its offer to its end: every wait in it is bounded."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence

from loguru import logger

from bargein.errors import BargeinError, ProtocolError
from bargein.processors.clock import monotonic_ms
from bargein.protocol import Error
from bargein.transports.rtvi.link import RtviLink
from bargein.transports.rtvi.peer import Peer
from bargein.transports.rtvi.track import VoiceTrack
from bargein.transports.rtvi.transport import RtviTransport

Serve = Callable[[RtviTransport, RtviLink], Awaitable[None]]
"""Runs one conversation, and returns when it is over."""

ANSWER_S = 10.0
"""To answer an offer; asking a STUN server that is silent takes 5 s of it."""
CONNECT_S = 10.0
"""From the answer to the first packet both ways."""
LOST_S = 5.0
"""A client sends audio 50 times a second, and a ping each second: one that is silent for so
long is gone. ICE would need half a minute to say so."""
LOOK_EVERY_S = 0.5
LAST_WORDS_S = 0.3
"""For the last message, before the connection is closed."""


class Call:
    """A peer, its link, and the transport between them and a pipeline."""

    def __init__(self, *, sample_rate_hz: int, ice_servers: Sequence[str]) -> None:
        """Nothing is opened before `answer`."""
        self.id = secrets.token_urlsafe(16)
        self.link = RtviLink(self._write, sample_rate_hz=sample_rate_hz)
        self._transport = RtviTransport(self.link, sample_rate_hz=sample_rate_hz)
        voice = VoiceTrack(self.link.take, sample_rate_hz=sample_rate_hz)
        self._peer = Peer(voice, self._hear, ice_servers=ice_servers)
        self._heard_ms = monotonic_ms()

    async def answer(self, sdp: str) -> str:
        """Answer an offer; ProtocolError `bad_offer` if it can't be."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._peer.answer(sdp)
        except TimeoutError:
            raise ProtocolError("bad_offer", f"no answer was found in {ANSWER_S:.0f} s") from None

    async def run(self, serve: Serve) -> None:
        """Serve the client until it is gone or the bot has ended; never raises."""
        listening = asyncio.create_task(self._listen())
        watching = asyncio.create_task(self._watch())
        try:
            if await self._connects():
                await serve(self._transport, self.link)
        except BargeinError as error:
            logger.error("the bot can't run: {}", error)
            await self._say_last(str(error))
        except Exception:
            logger.exception("the bot can't run")
            await self._say_last("the bot failed; the server's log says why")
        finally:
            for task in (listening, watching):
                task.cancel()
            await asyncio.gather(listening, watching, return_exceptions=True)
            await self.close()
            if self.link.refused:
                logger.info("an RTVI client was refused {} messages", self.link.refused)

    def hang_up(self) -> None:
        """Have `run` come to its end, whether the client has connected or not."""
        self.link.closed.set()

    async def close(self) -> None:
        """End the call, in bounded time."""
        self.link.closed.set()
        await self._peer.close()

    def _write(self, text: str) -> None:
        self._peer.send(text)

    def _hear(self, text: str) -> None:
        self._heard_ms = monotonic_ms()
        self.link.hear(text)

    async def _connects(self) -> bool:
        waiting = [
            asyncio.create_task(self._peer.connected.wait()),
            asyncio.create_task(self.link.closed.wait()),
        ]
        await asyncio.wait(waiting, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if not self._peer.connected.is_set():
            logger.warning("an RTVI client made an offer and did not connect")
        return self._peer.connected.is_set() and not self.link.closed.is_set()

    async def _listen(self) -> None:
        await self._peer.connected.wait()
        try:
            async for pcm in self._peer.microphone():
                self._heard_ms = monotonic_ms()
                await self._transport.input().hear(pcm)
        except ProtocolError as error:
            logger.warning("an RTVI client's microphone is refused: {}", error)
            self.link.closed.set()

    async def _watch(self) -> None:
        """End the call when the peer is gone, or nothing is heard of it any more."""
        await self._peer.connected.wait()
        self._heard_ms = monotonic_ms()
        while not self._peer.gone.is_set() and monotonic_ms() - self._heard_ms < LOST_S * 1000:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._peer.gone.wait()
            except TimeoutError:
                if self._peer.overruns:
                    logger.warning("an RTVI client sends a message without an end: closed")
                    break
        self.link.closed.set()

    async def _say_last(self, text: str) -> None:
        self.link.send(Error(code="bot_failed", message=text, final=True))
        await asyncio.sleep(LAST_WORDS_S)
