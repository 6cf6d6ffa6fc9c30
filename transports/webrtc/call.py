"""One browser from its offer to its end: every wait in it is bounded."""

from __future__ import annotations

import asyncio

from loguru import logger

from bargein.errors import ProtocolError
from bargein.processors.clock import monotonic_ms
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.failures import tell_failures
from bargein.transports.local.seats import Seat
from bargein.transports.local.server import expect_hello
from bargein.transports.webrtc.link import DataLink
from bargein.transports.webrtc.peer import Peer
from bargein.transports.webrtc.room import WebrtcRoom

ANSWER_S = 10.0
"""To answer an offer; asking a STUN server that is silent takes 5 s of it."""
CONNECT_S = 5.0
"""From the answer to both channels open. The page turns to the WebSocket after 6 s
(`data_line.js`): its seat must be free by then, or the room would be full of itself."""
LOST_S = 6.0
"""A browser sends audio 31 times a second: one that is silent for so long is gone."""
LOOK_EVERY_S = 0.5
LAST_WORDS_S = 0.3
"""For the last message, before the channels are closed."""


class Call:
    """A peer and its link: one connection to a conversation."""

    def __init__(self, room: WebrtcRoom) -> None:
        """Nothing is opened before `answer`."""
        self._peer = Peer(
            hear=lambda data: self.link.hear(data),
            ice_servers=room.ice,
            sample_rate_hz=room.sample_rate_hz,
        )
        self.link = DataLink(self._peer, clock_ms=monotonic_ms)

    async def answer(self, sdp: str) -> str:
        """Answer an offer; ProtocolError `bad_offer` if it can't be."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._peer.answer(sdp)
        except TimeoutError:
            raise ProtocolError("bad_offer", f"no answer was found in {ANSWER_S:.0f} s") from None

    async def run(self, conversations: Conversations, seat: Seat) -> None:
        """Let the browser talk until it is gone or the bot has ended; never raises."""
        if not await self._connects():
            return
        watching = asyncio.create_task(self._watch())
        await tell_failures(self.link, self._converse(conversations, seat))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        if not self._peer.gone.is_set():
            await asyncio.sleep(LAST_WORDS_S)
        self._note()

    def hang_up(self) -> None:
        """Have `run` come to its end, whether the browser has connected or not."""
        self.link.close()

    async def close(self) -> None:
        """End the call, in bounded time."""
        self.link.close()
        await self._peer.close()

    async def _converse(self, conversations: Conversations, seat: Seat) -> None:
        await conversations.join(self.link, await expect_hello(self.link), seat=seat)

    async def _connects(self) -> bool:
        peer = self._peer
        ends = (peer.connected, peer.gone, self.link.closed)
        waiting = [asyncio.create_task(each.wait()) for each in ends]
        await asyncio.wait(waiting, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if not peer.connected.is_set() and not self.link.closed.is_set():
            logger.warning("a browser made an offer and did not connect")
        return peer.connected.is_set() and not peer.gone.is_set()

    async def _watch(self) -> None:
        """End the call when the peer is gone, or nothing is heard of it any more."""
        while not self._peer.gone.is_set() and self._silent_s < LOST_S:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._peer.gone.wait()
            except TimeoutError:
                if self._peer.overruns:
                    logger.warning("a browser sends a message without an end: closed")
                    break
        self.link.close()

    @property
    def _silent_s(self) -> float:
        return (monotonic_ms() - self.link.heard_ms) / 1000

    def _note(self) -> None:
        lost, unsent = self.link.mender.lost_samples, self._peer.unsent_packets
        if lost or unsent:
            logger.info(
                "a browser's network lost {} samples of its microphone; {} packets of the bot's "
                "voice were not sent, for it was too slow",
                lost,
                unsent,
            )
