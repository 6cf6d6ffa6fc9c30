"""One WebRTC peer: the microphone in, the bot's voice out, and one data channel.

It answers offers and never makes one. It takes no video, and only the first data channel:
whoever opens another one can't take over what is said on the first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler
from loguru import logger

from bargein.errors import ProtocolError
from bargein.protocol import MICROPHONE_RATE_HZ

MOST_UNSENT_BYTES = 262_144
"""A peer that leaves more unread on its data channel is gone."""
MOST_EARLY_MESSAGES = 500
"""So many wait for the data channel, the oldest are dropped: there need not come one."""
CLOSE_S = 2.0


class Peer:
    """Build it, `answer` an offer, then read the `microphone`; whoever built it closes it."""

    def __init__(
        self, voice: MediaStreamTrack, hear: Callable[[str], None], *, ice_servers: Sequence[str]
    ) -> None:
        """Send this track, and give what comes on the data channel to `hear`."""
        self.connected = asyncio.Event()
        self.gone = asyncio.Event()
        self._voice = voice
        self._hear = hear
        self._channel: RTCDataChannel | None = None
        self._unsent: deque[str] = deque(maxlen=MOST_EARLY_MESSAGES)
        self._microphone: MediaStreamTrack | None = None
        configuration = RTCConfiguration(
            # An empty list is none; None would be a server of Google's.
            iceServers=[RTCIceServer(urls=url) for url in ice_servers],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
        self._connection = RTCPeerConnection(configuration)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("datachannel", self._channel_opened)
        self._connection.on("track", self._track_opened)

    async def answer(self, sdp: str) -> str:
        """Answer an offer; ProtocolError with code `bad_offer` if nothing can be made of it."""
        connection = self._connection
        try:
            await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
            self._choose_media()
            await connection.setLocalDescription(await connection.createAnswer())
            self._check_both_ways()
        except ProtocolError:
            raise
        except Exception as error:  # aiortc raises whatever parsing comes across
            reason = f"{type(error).__name__}: {error}"
            raise ProtocolError("bad_offer", f"the offer can't be answered: {reason}") from error
        answer: str = connection.localDescription.sdp
        return answer

    def send(self, text: str) -> None:
        """Write on the data channel; kept until it is open, dropped once the peer is gone."""
        if self.gone.is_set():
            return
        channel = self._channel
        if channel is None:
            self._unsent.append(text)
        elif channel.readyState == "open":
            channel.send(text)
            if channel.bufferedAmount > MOST_UNSENT_BYTES:
                logger.warning("a WebRTC peer reads too slowly: closed")
                self.gone.set()

    async def microphone(self) -> AsyncIterator[bytes]:
        """Give the microphone as 16 kHz PCM16 mono, until the peer ends it."""
        track = self._microphone
        resampler, came_as = _resampler(), None
        while track is not None:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if not isinstance(frame, AudioFrame):
                continue
            if came_as != (came_as := _form(frame)):
                # A peer may go over to another codec at any time.
                resampler = _resampler()
            for each in resampler.resample(frame):
                yield each.to_ndarray().tobytes()

    @property
    def overruns(self) -> bool:
        """Whether it goes on sending where there is no more room: a message without an end."""
        sctp = self._connection.sctp
        return sctp is not None and sctp._advertised_rwnd < 0

    async def close(self) -> None:
        """Close it, in bounded time."""
        self.gone.set()
        self._voice.stop()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("a WebRTC peer did not close within {} s", CLOSE_S)

    def _choose_media(self) -> None:
        audio = [each for each in self._connection.getTransceivers() if each.kind == "audio"]
        if not audio:
            raise ProtocolError("bad_offer", "the offer has no audio: the bot speaks and listens")
        for each in self._connection.getTransceivers():
            each.direction = "sendrecv" if each is audio[0] else "inactive"
        if audio[0].sender.track is not self._voice:
            audio[0].sender.replaceTrack(self._voice)

    def _check_both_ways(self) -> None:
        """A bot that is not heard would talk to nobody, and one that hears nothing would wait."""
        if not any(
            each.currentDirection == "sendrecv" for each in self._connection.getTransceivers()
        ):
            raise ProtocolError("bad_offer", "the offer's audio must go both ways (sendrecv)")

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.connected.set()
        elif state in ("failed", "closed"):
            self.gone.set()

    def _track_opened(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._microphone is None:
            self._microphone = track

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            logger.warning("a WebRTC peer opened a second data channel: refused")
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._message)
        channel.on("close", self.gone.set)
        while self._unsent:
            self.send(self._unsent.popleft())

    def _message(self, data: str | bytes) -> None:
        # What is binary is no text of RTVI; it is refused as what is not JSON.
        self._hear(data if isinstance(data, str) else data.decode("latin-1"))


def _resampler() -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=MICROPHONE_RATE_HZ)


def _form(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
