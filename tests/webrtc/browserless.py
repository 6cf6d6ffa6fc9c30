"""A browser's data channels in Python: what is sent over them may be lost on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bargein.packet import Kind, Packet
from bargein.protocol import (
    MICROPHONE_RATE_HZ,
    PREFIX,
    WINDOW_SAMPLES,
    Capabilities,
    ClientMessage,
    Codec,
    Hello,
    Message,
    Welcome,
)
from tests.rtvi.phone import post

BOUND_S = 15.0
WINDOW_S = WINDOW_SAMPLES / MICROPHONE_RATE_HZ
M = TypeVar("M", bound=Message)


class Browserless:
    """Use as `async with Browserless(address) as page`; it has both channels by then."""

    def __init__(self, address: str, *, control: str = "control", audio: str = "audio") -> None:
        self.address = address
        self.messages: list[Message] = []
        self.packets: list[Packet] = []
        self.over = asyncio.Event()
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.control = self.connection.createDataChannel(control)
        self.audio = self.connection.createDataChannel(audio, ordered=False, maxRetransmits=0)
        self._news = asyncio.Event()
        self._windows = 0

    async def __aenter__(self) -> Browserless:
        opened = []
        for channel in (self.control, self.audio):
            channel.on("message", self._take)
            channel.on("close", self._end)
            opened.append(asyncio.Event())
            channel.on("open", opened[-1].set)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        status, answer = await self.offer(self.connection.localDescription.sdp)
        assert status == 200, answer
        await self.connection.setRemoteDescription(
            RTCSessionDescription(answer["sdp"], answer["type"])
        )
        async with asyncio.timeout(BOUND_S):
            for each in opened:
                await each.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    async def offer(self, sdp: str, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send an offer; gives the status and what was answered."""
        return await post(f"{self.address}/webrtc", {"sdp": sdp, "type": "offer"}, **headers)

    async def greet(self) -> Welcome:
        """Say hello, and wait for the welcome."""
        self.say(Hello(capabilities=Capabilities(exact_playout=True)))
        return await self.next(Welcome)

    def say(self, message: ClientMessage) -> None:
        """Send a message."""
        self.control.send(Codec.write(message))

    def window(self, pcm: bytes, *, lose: bool = False) -> None:
        """Send the microphone's next window; or lose it."""
        start, self._windows = self._windows * WINDOW_SAMPLES, self._windows + 1
        if not lose:
            self.audio.send(Packet(Kind.MICROPHONE, 1, 0, start, pcm).pack())

    async def next(self, kind: type[M]) -> M:
        """Wait for the first message of a kind."""
        await self.until(lambda: any(isinstance(each, kind) for each in self.messages))
        return next(each for each in self.messages if isinstance(each, kind))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(BOUND_S):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.packets.append(Packet.unpack(data))
        elif PREFIX in data:
            self.messages.append(Codec.read_server(data))
        self._news.set()

    def _end(self) -> None:
        self.over.set()
        self._news.set()
