"""The Python client: its connection, its settings, and what it refuses.

What its engine decides is held against the browser's in `tests/browser/test_python_client.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from bargein.client.client import Client, ClientSettings
from bargein.client.events import Event, RoundTrip, ServerSilent, TranscriptShown, WelcomeHeard
from bargein.errors import ProtocolError
from bargein.floor import Floor
from bargein.packet import Flag, Kind, Packet
from bargein.protocol import (
    WINDOW_SAMPLES,
    Codec,
    Contested,
    Hello,
    Message,
    Ping,
    Played,
    Pong,
    Reason,
    Rejected,
    Resume,
    State,
    Transcript,
    Truncate,
    VadSettings,
    Welcome,
)

RATE_HZ = 24_000
STEP_MS = 32
STEP_SAMPLES = RATE_HZ * STEP_MS // 1000
QUIET, HINT, LOUD = 0.0, 0.4, 0.9
QUANTUM_SAMPLES = 128
LOUDNESS = 10_000
SILENT_WINDOW = bytes(2 * WINDOW_SAMPLES)
WELCOME = Welcome(session="s", epoch=1, state=Floor.SPEAKING, probability_threshold=0.7)


class Held:
    """A client whose time, ears and network the test holds."""

    def __init__(self, resume: Resume | None = None, **settings: object) -> None:
        self.client = Client(ClientSettings(**settings), resume=resume)  # type: ignore[arg-type]
        self.now_ms = 0.0
        self.sent: list[Message] = []
        self.microphone: list[Packet] = []
        self.told: list[Event] = []
        self.heard = bytearray()

    def welcomed(self, welcome: Welcome = WELCOME) -> Held:
        self.client.connect(self.now_ms)
        self.hear(welcome)
        return self

    def hear(self, message: Message) -> None:
        self.client.receive(Codec.write(message), self.now_ms)
        self.collect()

    def play(self, start: int, count: int, *, utterance: int = 1, last: bool = False) -> None:
        pcm = np.full(count, LOUDNESS, "<i2").tobytes()
        flags = Flag.LAST if last else Flag.NONE
        packet = Packet(Kind.BOT, self.client.epoch, utterance, start, pcm, flags)
        self.client.receive(packet.pack(), self.now_ms)

    def run(self, ms: float, probability: float = QUIET) -> None:
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self.client.hear(SILENT_WINDOW, probability, self.now_ms)
            self.heard += self.client.render(STEP_SAMPLES, self.now_ms)
            self.client.tick(self.now_ms)
            self.collect()
            self.now_ms += STEP_MS

    def collect(self) -> None:
        for data in self.client.take():
            if isinstance(data, str):
                self.sent.append(Codec.read_client(data))
            else:
                self.microphone.append(Packet.unpack(data))
        self.told += self.client.events()

    @property
    def sounded(self) -> int:
        """How many samples were heard."""
        return int(np.count_nonzero(np.frombuffer(self.heard, "<i2")))

    def of(self, kind: type) -> list[Message]:
        return [message for message in self.sent if isinstance(message, kind)]

    def events(self, kind: type) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]


def test_a_hello_is_said_again_until_the_welcome_comes() -> None:
    held = Held()
    held.client.connect(0)
    held.run(2500)
    assert len(held.of(Hello)) == 3
    held.hear(WELCOME)
    held.run(2500)
    assert len(held.of(Hello)) == 3


def test_before_the_welcome_the_microphone_is_not_sent_and_nothing_plays() -> None:
    held = Held()
    held.client.connect(0)
    held.play(0, 4800)
    held.run(320)
    assert held.microphone == []
    assert not any(held.heard)
    held.hear(WELCOME)
    held.run(64)
    assert [packet.start_sample for packet in held.microphone] == [0, WINDOW_SAMPLES]


def test_a_welcome_that_comes_twice_changes_nothing() -> None:
    held = Held().welcomed()
    held.play(0, 4800)
    held.run(64)
    held.hear(WELCOME)
    held.run(320)
    assert held.sounded == 4800


def test_a_mute_stands_at_the_sample_that_the_truncate_tells() -> None:
    held = Held().welcomed()
    held.play(0, 24_000)
    held.run(320)
    held.run(320, LOUD)
    truncate = held.of(Truncate)[0]
    assert isinstance(truncate, Truncate)
    assert truncate.played_samples == 10 * STEP_SAMPLES
    whole = np.flatnonzero(np.frombuffer(held.heard, "<i2") == LOUDNESS)
    assert len(whole) == truncate.played_samples
    # What came next died away in the quantum of the mute, and does not count.
    dying = np.frombuffer(held.heard, "<i2")[len(whole) :]
    assert dying[0] > LOUDNESS * 0.9
    assert not dying[QUANTUM_SAMPLES - 1 :].any()
    assert held.client.muted


def test_a_verdict_is_believed_in_the_middle_of_a_block() -> None:
    """Without one the bot plays on after 3 s to the quantum, whatever the size of a block."""
    held = Held().welcomed()
    held.play(0, 24_000)
    held.run(320)
    held.run(32, LOUD)
    muted = held.now_ms - STEP_MS
    block = held.client.render(RATE_HZ * 4, held.now_ms)
    silent_samples = next(i for i, value in enumerate(block[::2]) if value)
    unmuted_ms = held.now_ms + silent_samples * 1000 / RATE_HZ
    assert unmuted_ms - muted == pytest.approx(3000, abs=2 * 128 * 1000 / RATE_HZ)


def test_one_without_a_vad_mutes_only_when_the_server_says_so() -> None:
    held = Held(vad=False).welcomed()
    held.play(0, 24_000)
    held.run(320, LOUD)
    assert held.of(Truncate) == []
    held.hear(Contested(epoch=1, utterance=1, verdict_deadline_ms=600))
    (truncate,) = held.of(Truncate)
    assert isinstance(truncate, Truncate)
    assert (truncate.detected, truncate.played_samples) == (False, 10 * STEP_SAMPLES)
    held.hear(Rejected(epoch=2, utterance=1, at_sample=7680, reason=Reason.NO_SPEECH))
    assert not held.client.muted


def test_one_that_does_not_tell_its_position_never_does() -> None:
    held = Held(report_played=False).welcomed()
    held.play(0, 4800, last=True)
    held.run(640)
    assert held.of(Played) == []
    assert held.client.position == (1, 4800)


@pytest.mark.parametrize(("own", "expected"), [(None, 0.8), (0.5, 0.5)])
def test_vad_settings_hold_unless_its_user_has_chosen(own: float | None, expected: float) -> None:
    held = Held(threshold=own).welcomed()
    assert held.client.threshold == (own or WELCOME.probability_threshold)
    held.hear(VadSettings(probability_threshold=0.8, noise_floor_db=-50))
    assert held.client.threshold == expected


def test_pings_every_2_s_and_tells_when_the_server_is_silent_for_6() -> None:
    held = Held().welcomed()
    held.run(3000)
    held.hear(Pong(clock_ms=held.now_ms - 40, server_clock_ms=held.now_ms + 480))
    assert held.events(RoundTrip) == [RoundTrip(held.now_ms, 40, 500)]
    assert held.events(ServerSilent) == []
    held.run(7000)
    assert held.events(ServerSilent)
    assert len(held.of(Ping)) == 5


def test_after_a_lost_connection_what_is_here_plays_on_and_the_session_is_taken_up() -> None:
    held = Held().welcomed()
    held.play(0, 4800)
    held.run(64)
    held.client.disconnect(held.now_ms)
    held.run(640)
    assert held.client.position == (1, 4800)
    held.client.connect(held.now_ms)
    held.hear(WELCOME.model_copy(update={"epoch": 3}))
    hello = held.of(Hello)[-1]
    assert isinstance(hello, Hello)
    assert hello.resume == Resume(session="s", utterance=1, played_samples=4800, away_ms=640)
    assert held.events(WelcomeHeard)[-1] == WelcomeHeard(held.now_ms, "s", resumed=True)
    held.play(2400, 4800, last=True)
    held.run(640)
    assert held.sounded == 7200


def test_a_transcript_that_comes_again_with_the_session_is_shown_once() -> None:
    held = Held().welcomed()
    held.hear(Transcript(text="two teas", final=True))
    for said in (["two teas", "two teas"], ["and a cake"]):
        held.client.disconnect(held.now_ms)
        held.client.connect(held.now_ms)
        held.hear(WELCOME)
        for text in said:
            held.hear(Transcript(text=text, final=True))
    shown = [event.text for event in held.told if isinstance(event, TranscriptShown)]
    assert shown == ["two teas", "two teas", "and a cake"]


def test_one_that_takes_up_a_session_that_is_gone_begins_anew() -> None:
    resume = Resume(session="gone", utterance=3, played_samples=4800)
    held = Held(resume).welcomed()
    assert held.events(WelcomeHeard) == [WelcomeHeard(0, "s", resumed=False)]
    assert held.client.position == (0, 0)


@pytest.mark.parametrize(
    "garbage",
    [
        "{",
        "[]",
        '{"type": "bargein/state", "state": "dancing"}',
        b"",
        b"\x07" * 40,
        Packet(Kind.MICROPHONE, 1, 0, 0, b"").pack(),
    ],
)
def test_garbage_is_refused(garbage: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        Held().welcomed().client.receive(garbage, 0)


@pytest.mark.parametrize("kind", ["shop/basket", "bargein/what"])
def test_a_message_of_the_users_own_or_of_a_newer_server_is_nothing_to_it(kind: str) -> None:
    held = Held().welcomed()
    held.client.receive(f'{{"type": "{kind}", "items": 3}}', 0)
    assert held.client.floor is Floor.SPEAKING


def test_the_floor_is_shown_as_the_server_tells_it() -> None:
    held = Held().welcomed()
    held.hear(State(epoch=1, state=Floor.IDLE))
    assert held.client.floor is Floor.IDLE


def test_a_hint_of_a_voice_ducks_the_bot_and_tells_nobody() -> None:
    held = Held().welcomed()
    held.play(0, 24_000)
    held.run(320)
    held.run(32, HINT)
    held.run(320)
    heard = np.frombuffer(held.heard, "<i2")
    assert held.of(Truncate) == []
    assert heard.min() == LOUDNESS // 4
    assert np.abs(np.diff(heard.astype(int))).max() <= LOUDNESS // 100
    assert held.sounded == 21 * STEP_SAMPLES
    assert heard[-1] == LOUDNESS


def test_a_window_below_the_gate_is_silence() -> None:
    held = Held().welcomed()
    held.hear(VadSettings(epoch=1, probability_threshold=0.5, gate_db=-60))
    held.play(0, 24_000)
    held.run(320, LOUD)
    assert held.of(Truncate) == []
    held.hear(VadSettings(epoch=1, probability_threshold=0.5, gate_db=-130))
    held.run(32, LOUD)
    assert len(held.of(Truncate)) == 1


def test_the_echo_gate_counts_while_the_bot_speaks() -> None:
    held = Held().welcomed()
    held.hear(VadSettings(epoch=1, probability_threshold=0.5, echo_gate_db=-60))
    held.play(0, 24_000)
    held.run(320, LOUD)
    assert held.of(Truncate)[0].played_samples == 0  # type: ignore[attr-defined]


def test_who_has_chosen_a_threshold_has_no_gate() -> None:
    held = Held(threshold=0.5).welcomed()
    held.hear(VadSettings(epoch=1, probability_threshold=0.9, gate_db=-60))
    held.play(0, 24_000)
    held.run(320, LOUD)
    assert len(held.of(Truncate)) > 0


def test_a_floor_that_was_overtaken_by_a_newer_one_is_not_shown() -> None:
    held = Held().welcomed()
    held.hear(State(epoch=1, seq=7, state=Floor.IDLE))
    held.hear(State(epoch=1, seq=6, state=Floor.LISTENING))
    assert str(held.client.floor) == "idle"
    held.hear(Pong(seq=8, clock_ms=0, server_clock_ms=0, state=Floor.PROCESSING))
    assert str(held.client.floor) == "processing"
