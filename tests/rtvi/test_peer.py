"""What a peer may do to its microphone and its data channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="the extra `rtvi` is not installed")

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from bargein.errors import ProtocolError
from bargein.protocol import MICROPHONE_RATE_HZ
from bargein.transports.rtvi.peer import MOST_EARLY_MESSAGES, Peer
from bargein.transports.rtvi.track import VoiceTrack

OPUS, PCMU = (48_000, "stereo", 960), (8_000, "mono", 160)
"""What the decoders give each 20 ms."""
CHUNK_SAMPLES = MICROPHONE_RATE_HZ // 50


class Decoded(MediaStreamTrack):
    """Gives these frames, and ends."""

    kind = "audio"

    def __init__(self, forms: Sequence[tuple[int, str, int]]) -> None:
        super().__init__()
        self._forms = list(forms)
        self._given = 0

    async def recv(self) -> AudioFrame:
        if not self._forms:
            raise MediaStreamError
        rate_hz, layout, samples = self._forms.pop(0)
        pcm = np.zeros((1, samples * (2 if layout == "stereo" else 1)), np.int16)
        frame = AudioFrame.from_ndarray(pcm, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        return frame


def peer() -> Peer:
    voice = VoiceTrack(bytes, sample_rate_hz=24_000)
    return Peer(voice, lambda _: None, ice_servers=())


async def test_a_microphone_may_go_over_to_another_codec() -> None:
    heard = peer()
    heard._track_opened(Decoded([OPUS] * 10 + [PCMU] * 10 + [OPUS] * 10))
    samples = sum([len(pcm) // 2 async for pcm in heard.microphone()])
    assert samples == pytest.approx(30 * CHUNK_SAMPLES, abs=3 * CHUNK_SAMPLES)
    await heard.close()


async def test_without_a_data_channel_only_so_much_waits_for_it() -> None:
    mute = peer()
    for number in range(3 * MOST_EARLY_MESSAGES):
        mute.send(str(number))
    assert len(mute._unsent) == MOST_EARLY_MESSAGES
    assert mute._unsent[-1] == str(3 * MOST_EARLY_MESSAGES - 1)
    await mute.close()


@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive"])
async def test_audio_that_goes_one_way_only_is_refused(direction: str) -> None:
    client, bot = RTCPeerConnection(RTCConfiguration(iceServers=[])), peer()
    client.addTransceiver("audio", direction=direction)
    await client.setLocalDescription(await client.createOffer())
    with pytest.raises(ProtocolError, match="both ways"):
        await bot.answer(client.localDescription.sdp)
    await bot.close()
    await client.close()
