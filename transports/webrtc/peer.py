"""One browser's data channels: `control` is reliable and in order, `audio` is datagrams.

The browser makes both, and says how reliable they are; the server sends by the same rules.
It answers offers and never makes one, and takes no audio or video track.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from loguru import logger

from bargein.errors import ProtocolError
from bargein.transports.webrtc.room import IceServer
from bargein.transports.webrtc.voice_window import let_voice_through

CONTROL = "control"
AUDIO = "audio"
MOST_UNREAD_BYTES = 262_144
"""Of control messages: who leaves more unread is gone."""
MOST_WAITING_MS = 400
"""Of audio: twice the lead that it has at the most when it is made. What waits longer comes too
late."""
BYTES_PER_SAMPLE = 2
CLOSE_S = 2.0


class Peer:
    """Build it and `answer` an offer; whoever built it closes it."""

    def __init__(
        self,
        *,
        hear: Callable[[str | bytes], None],
        ice_servers: Sequence[IceServer],
        sample_rate_hz: int,
    ) -> None:
        """Give what comes to `hear`: text of the control channel, bytes of the audio channel."""
        self.connected = asyncio.Event()
        """Both channels are open."""
        self.gone = asyncio.Event()
        self.unsent_packets = 0
        """So many packets of audio were not sent, for the network was too slow."""
        self._hear = hear
        self._most_waiting_bytes = sample_rate_hz * MOST_WAITING_MS // 1000 * BYTES_PER_SAMPLE
        self._channels: dict[str, RTCDataChannel] = {}
        configuration = RTCConfiguration(
            # An empty list is none; None would be a server of Google's.
            iceServers=[RTCIceServer(**each.model_dump()) for each in ice_servers],
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
        self._connection = RTCPeerConnection(configuration)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("datachannel", self._channel_opened)

    async def answer(self, sdp: str) -> str:
        """Answer an offer; ProtocolError with code `bad_offer` if nothing can be made of it."""
        connection = self._connection
        try:
            await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
            for each in connection.getTransceivers():
                each.direction = "inactive"
            await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:  # aiortc raises whatever parsing comes across
            reason = f"{type(error).__name__}: {error}"
            raise ProtocolError("bad_offer", f"the offer can't be answered: {reason}") from error
        if connection.sctp is None:
            raise ProtocolError("bad_offer", "the offer has no data channel")
        let_voice_through(connection.sctp)
        answer: str = connection.localDescription.sdp
        return answer

    def send(self, data: str | bytes) -> None:
        """Write on the control channel; dropped once the peer is gone."""
        channel = self._open_channel(CONTROL)
        if channel is None:
            return
        channel.send(data)
        if channel.bufferedAmount > MOST_UNREAD_BYTES:
            logger.warning("a WebRTC peer reads too slowly: closed")
            self.gone.set()

    def send_audio(self, data: bytes) -> None:
        """Send a datagram; dropped where too much waits already, or the peer is gone."""
        channel = self._open_channel(AUDIO)
        if channel is None:
            return
        if channel.bufferedAmount > self._most_waiting_bytes:
            self.unsent_packets += 1
            return
        channel.send(data)

    @property
    def overruns(self) -> bool:
        """Whether it goes on sending where there is no more room: a message without an end."""
        sctp = self._connection.sctp
        return sctp is not None and sctp._advertised_rwnd < 0

    async def close(self) -> None:
        """Close it, in bounded time."""
        self.gone.set()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("a WebRTC peer did not close within {} s", CLOSE_S)

    def _open_channel(self, label: str) -> RTCDataChannel | None:
        channel = self._channels.get(label)
        usable = channel is not None and channel.readyState == "open" and not self.gone.is_set()
        return channel if usable else None

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.gone.set()

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if channel.label not in (CONTROL, AUDIO) or channel.label in self._channels:
            logger.warning("a WebRTC peer opened a channel that is not asked for: refused")
            channel.close()
            return
        self._channels[channel.label] = channel
        wanted = str if channel.label == CONTROL else bytes
        channel.on("message", lambda data: self._hear(data) if isinstance(data, wanted) else None)
        channel.on("close", self.gone.set)
        if len(self._channels) == len((CONTROL, AUDIO)):
            self.connected.set()
