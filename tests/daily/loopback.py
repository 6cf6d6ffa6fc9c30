"""Plays Daily between a page and the bot: its media is a real WebRTC connection of this machine.

The library's part is `Loopback`, whose audio source feeds a track of aiortc's; the page's part is
`call_object.js`. Between them lies what lies between them at Daily: Opus, RTP, a jitter buffer.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from aiortc import RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from numpy.typing import NDArray

from bargein.transports.daily.page import page_app
from bargein.transports.rtvi.track import VoiceTrack
from tests.daily.fake_daily import AudioData, EventHandler

CALL_OBJECT = Path(__file__).with_name("call_object.js")
VISITOR = "session-of-the-visitor"
RATE_HZ = 24_000
CHUNK_S = 0.02


class Source:
    """The bot's audio source: what is written is played as the track asks for it."""

    def __init__(self, rate_hz: int, _channels: int, _auto_silence: bool) -> None:
        self._waiting: deque[tuple[bytes, Callable[[int], None]]] = deque()
        self.played: list[bytes] = []
        """Every chunk that went into the track since the page is there, in order."""
        self.connected = False

    def write_frames(self, frames: bytes, completion: Callable[[int], None]) -> int:
        if self.connected:
            self._waiting.append((frames, completion))
        else:
            asyncio.get_running_loop().call_later(CHUNK_S, completion, len(frames) // 2)
        return 0

    def take(self, samples: int) -> bytes:
        """Give the next chunk; silence that nobody wrote is not counted."""
        if not self._waiting:
            return bytes(2 * samples)
        frames, completion = self._waiting.popleft()
        assert len(frames) == 2 * samples
        self.played.append(frames)
        completion(samples)
        return frames

    @property
    def chunks(self) -> int:
        """So many went in, or wait."""
        return len(self.played) + len(self._waiting)


class Client:
    """The bot's end of the call."""

    def __init__(self, event_handler: EventHandler, loopback: Loopback) -> None:
        self.handler = event_handler
        self.hear: Callable[[str, AudioData, str], None] | None = None
        self._loopback = loopback

    def set_user_name(self, _name: str) -> None:
        """Nobody sees it."""

    def update_subscription_profiles(self, _profiles: Mapping[str, Any]) -> None:
        """There is no video."""

    def join(self, _url: str, _token: str, client_settings: Any, completion: Any) -> None:
        completion({"participants": {}}, None)

    def leave(self, completion: Any) -> None:
        completion(None)

    def release(self) -> None:
        """There is nothing to let go."""

    def send_app_message(self, message: Any, _participant: str, completion: Any) -> None:
        self._loopback.send(message)
        completion(None)

    def set_audio_renderer(self, _participant: str, callback: Any, **_settings: Any) -> None:
        self.hear = callback


class Loopback:
    """The module `daily`, and the server that the page's call object talks with."""

    EventHandler = EventHandler

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.told: list[Any] = []
        self.refuses: dict[str, str] | None = None
        self._uncounted: int | None = None
        """Chunks that went in before the bot began to count; a mark is told just before its own."""
        self._channel: RTCDataChannel | None = None
        self._connection: RTCPeerConnection | None = None
        self._microphone: asyncio.Task[None] | None = None

    def CustomAudioSource(self, *args: Any) -> Source:  # noqa: N802 (a class of theirs)
        self.source = Source(*args)
        return self.source

    def CustomAudioTrack(self, _source: Source) -> Any:  # noqa: N802
        return type("Track", (), {"id": "track"})

    def CallClient(self, event_handler: Any) -> Client:  # noqa: N802
        self.client = Client(event_handler, self)
        return self.client

    @property
    def track(self) -> NDArray[np.int16]:
        """All that went into the track since the bot counts."""
        return np.frombuffer(b"".join(self.source.played[self._uncounted :]), "<i2")

    def send(self, message: Any) -> None:
        """Send the page an app message."""
        if message["type"] == "bargein/mark" and self._uncounted is None:
            chunk_samples = round(RATE_HZ * CHUNK_S)
            self._uncounted = self.source.chunks - message["track_sample"] // chunk_samples
        self.sent.append(message)
        if self._channel and self._channel.readyState == "open":
            self._channel.send(json.dumps(message))

    async def answer(self, request: Request) -> dict[str, Any]:
        """Answer the page's call object."""
        asked = await request.json()
        if self.refuses:
            return {"refused": self.refuses}
        connection = self._connection = RTCPeerConnection()
        connection.on("datachannel", self._opened)
        connection.on("track", self._listen)
        await connection.setRemoteDescription(RTCSessionDescription(asked["sdp"], "offer"))
        self.source.connected = True
        connection.addTrack(VoiceTrack(self.source.take, sample_rate_hz=RATE_HZ))
        await connection.setLocalDescription(await connection.createAnswer())
        return {"sdp": connection.localDescription.sdp}

    async def close(self) -> None:
        """Hang up."""
        if self._microphone:
            self._microphone.cancel()
        if self._connection:
            await self._connection.close()

    def _opened(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", self._hear)
        channel.on("close", lambda: self.client.handler.on_participant_left({"id": VISITOR}, ""))

    def _hear(self, text: str) -> None:
        message = json.loads(text)["message"]
        self.told.append(message)
        self.client.handler.on_app_message(message, VISITOR)

    def _listen(self, track: MediaStreamTrack) -> None:
        self._microphone = asyncio.create_task(self._pass_microphone(track))

    async def _pass_microphone(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=16_000)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            for each in resampler.resample(frame):
                if self.client.hear:
                    self.client.hear(VISITOR, AudioData(each.to_ndarray().tobytes()), "microphone")


@asynccontextmanager
async def serving_loopback(loopback: Loopback) -> AsyncIterator[str]:
    """Serve the page with our call object in Daily's place; gives its address."""
    app = FastAPI()
    app.post("/loopback")(loopback.answer)
    app.get("/daily/vendor/daily-esm.js")(
        lambda: FileResponse(CALL_OBJECT, media_type="text/javascript")
    )
    app.mount("/", page_app())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 (uvicorn offers no event)
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await loopback.close()
        server.should_exit = True
        await asyncio.wait_for(task, 10)
