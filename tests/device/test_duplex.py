"""A talk in audio time: a client between a microphone and a loudspeaker, and the air between."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from bargein.client.client import Client, ClientSettings
from bargein.packet import Flag, Kind, Packet
from bargein.processors.silero import Silero
from bargein.protocol import Codec, Message, Played, Reason, Rejected, Truncate, Welcome
from bargein.rehearsal.acoustics import EchoPath, Microphone
from bargein.rehearsal.levels import Sound, from_pcm, to_pcm
from bargein.rehearsal.scenario import Act
from bargein.resampling import Resampler
from bargein.transports.device.duplex import Duplex, Rates
from bargein.transports.device.echo_canceller import EchoCanceller
from bargein.transports.rehearsal.voices import sound_of

pytest.importorskip("espeakng_loader", reason="the extra 'embedded' is not installed")

BLOCK_MS = 10
MICROPHONE_HZ, SPEAKER_HZ, BOT_HZ = 16_000, 48_000, 24_000
BLOCK, SPEAKER_BLOCK = MICROPHONE_HZ // 100, SPEAKER_HZ // 100
CHUNK = BOT_HZ // 25
DELAY_MS = 60.0
"""From the loudspeaker to the microphone: both buffers, and the air."""
BOT_TEXT = (
    "Our beans come from a small farm in the hills, and we roast them here, every morning, "
    "behind the counter. The espresso tastes of chocolate, and the filter coffee of oranges."
)


def spoken(text: str, voice: str = "en-us+f3") -> Sound:
    """A voice at 16 kHz, its onset at the first sample."""
    return sound_of(Act.model_validate({"say": text, "voice": voice}), None, 0)  # type: ignore[arg-type]


class Air:
    """Runs both ends block by block; what the loudspeaker plays comes back to the microphone."""

    def __init__(self, *, echo_db: float | None = None, cancel: bool = False) -> None:
        self.sent: list[Message | Packet] = []
        self.heard = bytearray()
        """By the user's ear, at the loudspeaker's rate."""
        self.now_ms = 0.0
        self._microphone = Microphone(noise=None, seed=1)
        self._echo = (
            None
            if echo_db is None
            else EchoPath(gain_db=echo_db, delay_ms=DELAY_MS, rate_hz=SPEAKER_HZ)
        )
        self._seq = 0
        self.arrived: deque[str | bytes] = deque()
        client = Client(ClientSettings(duck_on_hint=False))
        self._duplex = Duplex(
            client,
            Rates(MICROPHONE_HZ, SPEAKER_HZ, BOT_HZ),
            silero=Silero(),
            canceller=EchoCanceller(DELAY_MS) if cancel else None,
            arrived=self.arrived,
            send=self._take,
        )
        client.connect(0)
        self.tell(Welcome(sample_rate_hz=BOT_HZ))

    def _take(self, data: str | bytes) -> None:
        text = isinstance(data, str)
        self.sent.append(Codec.read_client(data) if text else Packet.unpack(data))  # type: ignore[arg-type]

    def tell(self, message: Message, epoch: int = 1) -> None:
        """The server says something."""
        self._seq += 1
        stamp = {"session": "s", "seq": self._seq, "epoch": epoch}
        self.arrived.append(Codec.write(message.model_copy(update=stamp)))

    def bot_says(self, sound: Sound) -> None:
        """An utterance of the bot's, at once and whole; the sound is at the bot's rate."""
        for start in range(0, len(sound), CHUNK):
            flags = Flag.LAST if start + CHUNK >= len(sound) else Flag.NONE
            pcm = to_pcm(sound[start : start + CHUNK])
            self.arrived.append(Packet(Kind.BOT, 1, 1, start, pcm, flags=flags).pack())

    def user_says(self, sound: Sound) -> float:
        """The user begins to speak; gives when."""
        self._microphone.begin(sound)
        return self.now_ms

    def run(self, for_ms: float) -> None:
        """Let so much time pass."""
        for _ in range(round(for_ms / BLOCK_MS)):
            echo = self._echo.hear(BLOCK) if self._echo else None
            self._duplex.hear(to_pcm(self._microphone.hear(BLOCK, echo)), self.now_ms)
            played = self._duplex.play(SPEAKER_BLOCK, self.now_ms)
            self.heard += played
            if self._echo:
                self._echo.play(from_pcm(played))
            self.now_ms += BLOCK_MS

    def said(self, kind: type[Message]) -> list[Message]:
        """What the client sent of one kind."""
        return [each for each in self.sent if isinstance(each, kind)]


def bot_voice() -> Sound:
    """Some 10 s of the bot, at its rate."""
    up = Resampler(16_000, BOT_HZ)
    return up.convert(spoken(BOT_TEXT, voice="en-us+m3"))


def last_sounding(heard: bytes) -> int:
    """The last sample of the loudspeaker's that is not silent."""
    return int(np.flatnonzero(np.abs(np.frombuffer(heard, dtype="<i2")) > 2)[-1])


def test_the_microphone_reaches_the_server_whole_in_windows() -> None:
    air = Air()
    air.run(1000)
    packets = [each for each in air.sent if isinstance(each, Packet)]
    assert [each.start_sample for each in packets] == [512 * i for i in range(31)]


def test_an_utterance_is_played_whole_and_told_to_be() -> None:
    air = Air()
    tone = 0.3 * np.ones(BOT_HZ, dtype=np.float32)
    air.run(100)
    air.bot_says(tone)
    air.run(1500)
    sounding = np.flatnonzero(np.abs(np.frombuffer(bytes(air.heard), dtype="<i2")) > 3000)
    assert len(sounding) == pytest.approx(SPEAKER_HZ, abs=4)
    *_, last = air.said(Played)
    assert last.finished  # type: ignore[attr-defined]
    assert last.played_samples == BOT_HZ  # type: ignore[attr-defined]


def test_speech_mutes_at_once_and_the_position_is_what_sounded() -> None:
    air = Air()
    air.run(100)
    begins = air.now_ms
    air.bot_says(0.3 * np.ones(5 * BOT_HZ, dtype=np.float32))
    air.run(2000)
    spoke_ms = air.user_says(spoken("What is on the menu today?"))
    air.run(600)
    first = air.said(Truncate)[0]
    assert isinstance(first, Truncate)
    silent_ms = last_sounding(bytes(air.heard)) * 1000 / SPEAKER_HZ
    assert silent_ms - spoke_ms < 120
    # It was told when the block began to play that dies away within one quantum of 128 samples.
    sounded = (silent_ms - begins) * BOT_HZ / 1000
    assert 0 <= sounded - first.played_samples < 128 + 0.004 * BOT_HZ
    air.tell(Rejected(utterance=1, at_sample=first.played_samples, reason=Reason.ECHO), epoch=2)
    air.run(500)
    assert last_sounding(bytes(air.heard)) > len(air.heard) // 2 - SPEAKER_BLOCK


@pytest.mark.slow
@pytest.mark.parametrize("echo_db", [-20.0, -34.0])
def test_with_its_echo_taken_out_the_bot_does_not_interrupt_itself(echo_db: float) -> None:
    pytest.importorskip("livekit.rtc", reason="the extra 'device' is not installed")
    onsets = {}
    for cancel in (False, True):
        air = Air(echo_db=echo_db, cancel=cancel)
        air.run(300)
        air.bot_says(bot_voice())
        air.run(7000)
        onsets[cancel] = len(air.said(Truncate))
    assert onsets[False]
    assert not onsets[True]


@pytest.mark.slow
def test_a_user_is_heard_through_the_echo_that_is_taken_out() -> None:
    pytest.importorskip("livekit.rtc", reason="the extra 'device' is not installed")
    air = Air(echo_db=-20, cancel=True)
    air.run(300)
    air.bot_says(bot_voice())
    air.run(4000)
    assert not air.said(Truncate)
    spoke_ms = air.user_says(spoken("Wait, what is on the menu today?"))
    air.run(1000)
    assert last_sounding(bytes(air.heard)) * 1000 / SPEAKER_HZ - spoke_ms < 250
