"""A WebRTC client in Python: a microphone that follows a script, and a loudspeaker with a tape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame
from numpy.typing import NDArray

from bargein.processors.clock import monotonic_ms
from tests.rtvi.forged import rtvi

RATE_HZ = 16_000
CHUNK_SAMPLES = 320
CHUNK_MS = 20
BOUND_S = 20.0
READY = rtvi("client-ready", {"version": "2.2.0", "about": {"library": "phone"}})


class Microphone(MediaStreamTrack):
    """Hiss, and what the test says."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.script: NDArray[np.int16] = np.zeros(0, np.int16)
        self._noise = np.random.default_rng(7)
        self._chunks = 0
        self._start_ms = monotonic_ms()

    async def recv(self) -> AudioFrame:
        due_ms = self._start_ms + self._chunks * CHUNK_MS
        await asyncio.sleep(max(0.0, due_ms - monotonic_ms()) / 1000)
        now, self.script = np.split(self.script, [CHUNK_SAMPLES])
        pcm = self._noise.integers(-3, 4, CHUNK_SAMPLES).astype(np.int16)
        pcm[: len(now)] += now
        frame = AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._chunks * CHUNK_SAMPLES
        frame.time_base = Fraction(1, RATE_HZ)
        self._chunks += 1
        return frame


class Phone:
    """Use as `async with Phone(address) as phone`; it is ready for the bot by then."""

    def __init__(self, address: str, *, ready: bool = True) -> None:
        self.address = address
        self.received: list[dict[str, Any]] = []
        self.tape: list[tuple[float, NDArray[np.int16]]] = []
        """When each stretch came, in ms, and its samples."""
        self.rate_hz = 48_000
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self.channel = self.pc.createDataChannel("chat")
        self.over = asyncio.Event()
        self._ready = ready
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Phone:
        self.pc.addTrack(self.microphone)
        self.pc.on("track", self._hear_track)
        self.pc.on("connectionstatechange", self._state_changed)
        self.channel.on("message", self._take)
        opened = asyncio.Event()
        self.channel.on("open", opened.set)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        status, answer = await self.offer(self.pc.localDescription.sdp)
        assert status == 200, answer
        self.id = answer["pc_id"]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(opened.wait(), BOUND_S)
        if self._ready:
            self.channel.send(READY)
            await self.until_message("bot-ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pc.close()

    async def offer(self, sdp: str, **more: object) -> tuple[int, dict[str, Any]]:
        """Send an offer; gives the status and what was answered."""
        return await post(f"{self.address}/api/offer", {"sdp": sdp, "type": "offer", **more})

    def say(self, samples: NDArray[np.int16]) -> float:
        """Speak; gives the time at which it begins, in ms."""
        self.microphone.script = samples
        return monotonic_ms()

    async def until(self, holds: Callable[[], bool], *, within_s: float = BOUND_S) -> None:
        """Wait until something holds; TimeoutError with what was received otherwise."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"it did not come true; last: {self.received[-8:]}") from None

    async def until_message(self, kind: str, *, count: int = 1) -> dict[str, Any]:
        """Wait for the `count`-th message of a type, and give it."""
        await self.until(lambda: len(self.messages(kind)) >= count)
        return self.messages(kind)[count - 1]

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """All messages of a type so far."""
        return [each for each in self.received if each["type"] == kind]

    def spoken(self) -> str:
        """What the bot is told to have spoken."""
        segments: dict[int, str] = {}
        for each in self.messages("bot-output"):
            data = each["data"]
            segments[data["segment_id"]] = data["spoken_progress"]["accumulated_text"]
        return " ".join(text for text in segments.values() if text)

    def sound(self) -> NDArray[np.int16]:
        """All that was heard."""
        return np.concatenate([each for _, each in self.tape] or [np.zeros(0, np.int16)])

    def _state_changed(self) -> None:
        if self.pc.connectionState in ("closed", "failed"):
            self.over.set()
            self._news.set()

    def _take(self, text: str) -> None:
        self.received.append(json.loads(text))
        self._news.set()

    def _hear_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            self.tape.append((monotonic_ms(), frame.to_ndarray()[0, ::2].astype(np.int16)))
            self._news.set()


async def post(url: str, value: object, **headers: str) -> tuple[int, dict[str, Any]]:
    """Post JSON; gives the status and the JSON that comes back."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=value, headers=headers) as response,
    ):
        return response.status, await response.json()
