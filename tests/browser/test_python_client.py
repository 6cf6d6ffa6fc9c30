"""The browser's engine and the Python client do the same: what they send and play is compared.

Both get the same packets, messages and microphone windows, at the same quantum; the tapes
agree sample by sample, the messages field by field.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Page

from bargein.client.engine import QUANTUM_SAMPLES, ClientSettings, Engine, Start
from bargein.client.events import Event, Overflowed, Underrun, VerdictHeard
from bargein.floor import Floor
from bargein.packet import Flag, Kind, Packet
from bargein.protocol import (
    Accepted,
    ClientMessage,
    Codec,
    Contested,
    Ignored,
    Message,
    Reason,
    Rejected,
    ServerMessage,
    State,
)

from .ramp import ramp
from .talk import Tape

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RATE_HZ = 24_000
QUANTUM_MS = QUANTUM_SAMPLES * 1000 / RATE_HZ
THRESHOLD = 0.65
CHUNK_SAMPLES = 1920
FULL_SCALE = 32_768
ROUNDING = 0.51
"""A ducked sample is rounded to PCM16 in Python only."""
SEEDS = 24
DEEDS = 100
"""Of one script: about 15 s of audio."""
TOLD = frozenset({"bargein/truncate", "bargein/played", "bargein/speech_ended", "bargein/ping"})

Call = list[Any]
Deed = tuple[str, Any, int]


def deeds(rng: Random) -> list[Deed]:
    """Speech, packets, verdicts and time at random, each in several shapes."""
    return [deed(rng) for _ in range(DEEDS)]


def deed(rng: Random) -> Deed:
    kinds: list[Deed] = [
        ("send", rng.choice([0, 0, 0, -700, 900]), rng.randrange(8)),
        ("send", 0, rng.randrange(8)),
        ("short", rng.choice([100, 400]), rng.randrange(6)),
        ("early", rng.randrange(3), 0),
        ("run", rng.choice([6, 40, 130, 330]), 0),
        ("run", rng.choice([40, 110, 330, 1100, 3200]), 0),
        ("voice", rng.choice([0.0, 0.55, 0.9, 0.9]), rng.choice([40, 270])),
        ("say", rng.choice(["contested", "ignored", "state"]), rng.randrange(2)),
        ("verdict", rng.choice(["accepted", "rejected", "rejected"]), rng.choice([0, 1, 1, 2])),
    ]
    return rng.choice(kinds) if rng.random() < 0.98 else ("lose", 0, 0)


@dataclass
class Script:
    """Makes calls of the rig out of deeds; it knows what the server would know."""

    epoch: int = 1
    utterance: int = 1
    sent: int = 0
    calls: list[Call] = field(default_factory=list)

    def add(self, deed: str, what: Any, how: int) -> None:
        """Add the calls of one deed."""
        match deed:
            case "send":
                self.send(what, CHUNK_SAMPLES, last=how == 1)
            case "short":
                self.send(0, what, last=how == 1)
            case "early":
                self.packet(self.epoch + what, self.utterance + what, 0, CHUNK_SAMPLES, last=False)
            case "run":
                self.calls.append(["run", what])
            case "voice":
                self.calls += [["hear", what], ["run", how]]
            case "say":
                self.say(what, ahead=how)
            case "verdict":
                self.verdict(what, how)
            case "lose":
                self.calls.append(["call", "loseConnection"])

    def send(self, shift: int, count: int, *, last: bool) -> None:
        start = max(0, self.sent + shift)
        self.packet(self.epoch, self.utterance, start, count, last=last)
        self.sent = start + count
        if last:
            self.utterance, self.sent = self.utterance + 1, 0

    def packet(self, epoch: int, utterance: int, start: int, count: int, *, last: bool) -> None:
        self.calls.append(["packet", epoch, utterance, start, count, last])

    def say(self, what: str, *, ahead: int) -> None:
        epoch = self.epoch + ahead
        messages: dict[str, Message] = {
            "contested": Contested(epoch=epoch, utterance=self.utterance, verdict_deadline_ms=600),
            "ignored": Ignored(epoch=epoch, state=Floor.LISTENING),
            "state": State(epoch=epoch, state=[Floor.SPEAKING, Floor.IDLE][self.sent % 2]),
        }
        self.hear(messages[what])

    def verdict(self, what: str, which: int) -> None:
        """`which` 0 repeats the last one, 2 is one after a verdict that was lost."""
        self.epoch += which
        at_sample = self.sent // 2
        if what == "rejected":
            told = {"utterance": self.utterance, "at_sample": at_sample, "reason": Reason.ECHO}
            self.hear(Rejected(epoch=self.epoch, **told))
            self.sent = at_sample
        else:
            self.hear(Accepted(epoch=self.epoch, utterance=self.utterance, cut_samples=at_sample))
            self.utterance, self.sent = self.utterance + 1, 0

    def hear(self, message: Message) -> None:
        self.calls.append(["message", json.loads(Codec.write(message))])


@dataclass
class PythonRig:
    """Runs a script with the Python client; it hears the windows that the browser's heard."""

    settings: ClientSettings
    windows: list[dict[str, Any]]
    frame: int = 0
    tape: bytearray = field(default_factory=bytearray)
    sent: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        start = Start(epoch=1, rate_hz=RATE_HZ, threshold=THRESHOLD)
        self.engine = Engine(self.settings, start, send=self.keep, tell=self.events.append)

    def keep(self, what: ClientMessage | Packet) -> None:
        if isinstance(what, Packet):
            self.sent.append({"type": "window", "epoch": what.epoch, "start": what.start_sample})
        else:
            self.sent.append(json.loads(Codec.write(what)) | {"epoch": self.engine.epoch})

    @property
    def now_ms(self) -> float:
        """Between two quanta it is the earlier one's time, as in the browser."""
        return max(0, self.frame - QUANTUM_SAMPLES) * 1000 / RATE_HZ

    def play(self, calls: list[Call]) -> None:
        for name, *given_ in calls:
            match name:
                case "run":
                    self.run(*given_)
                case "packet":
                    self.engine.receive_packet(made_packet(*given_), self.now_ms)
                case "message":
                    message: ServerMessage = Codec.read_server(json.dumps(given_[0]))
                    self.engine.receive(message, self.now_ms)
                case "call":
                    self.engine.lose_connection(self.now_ms)

    def run(self, ms: float) -> None:
        end = self.frame + ms * RATE_HZ / 1000
        while self.frame < end:
            now_ms = self.frame * 1000 / RATE_HZ
            while self.windows and self.windows[0]["ms"] <= now_ms:
                window = self.windows.pop(0)
                packet = Packet.unpack(base64.b64decode(window["packet"]))
                self.engine.hear(packet.pcm, window["voice"], now_ms)
            self.tape += self.engine.render(QUANTUM_SAMPLES, now_ms)
            self.frame += QUANTUM_SAMPLES

    @property
    def told(self) -> list[tuple[Any, ...]]:
        return [row for event in self.events for row in as_rows(event)]


def as_rows(event: Event) -> Iterator[tuple[Any, ...]]:
    """What both sides tell of, in the form of `rows_of`."""
    match event:
        case VerdictHeard() if event.phase != "contested":
            yield ("bargein", event.phase, event.attempt, event.utterance, event.at_sample)
        case Underrun():
            yield ("underrun", event.utterance, event.samples, event.lost)
        case Overflowed():
            yield ("warning",)


def rows_of(log: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The browser's events; those of an open attempt are for the page alone."""
    rows: list[tuple[Any, ...]] = []
    for entry in log:
        if entry["type"] == "bargein" and entry["phase"] != "contested":
            told = (entry["phase"], entry["id"], entry["utterance"], entry["at"])
            rows.append(("bargein", *told))
        elif entry["type"] == "underrun":
            rows.append(("underrun", entry["utterance"], entry["samples"], entry["lost"]))
        elif entry["type"] == "warning":
            rows.append(("warning",))
    return rows


def same_message(python: dict[str, Any], browser: dict[str, Any]) -> bool:
    """Field by field; what the browser does not send is as the protocol's default."""
    return all(
        python[key] == pytest.approx(value) if isinstance(value, float) else python[key] == value
        for key, value in browser.items()
        if key != "ms"
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_python_client_sends_and_plays_what_the_browser_does(
    engine_page: Page, seed: int
) -> None:
    rng = Random(seed)
    overlap: Literal["mute", "duck"] = "duck" if seed % 4 == 3 else "mute"
    script = Script()
    for each in deeds(rng):
        script.add(*each)
    script.add("run", 1500, 0)
    browser = engine_page.evaluate(
        "async ([o, s]) => { const {Rig} = await import('/engine_rig.js'); "
        "return new Rig(o).play(s); }",
        [
            {"rateHz": RATE_HZ, "botRateHz": RATE_HZ, "overlap": overlap, "hiss": True},
            [with_audio(call) for call in script.calls],
        ],
    )
    twin = PythonRig(ClientSettings(overlap=overlap), browser["windows"])
    twin.play(script.calls)
    sent = [entry for entry in twin.sent if entry["type"] in TOLD]
    expected = [entry for entry in browser["log"] if entry["type"] in TOLD]
    assert [entry["type"] for entry in sent] == [entry["type"] for entry in expected]
    for ours, theirs in zip(sent, expected, strict=True):
        assert same_message(ours, theirs), (ours, theirs)
    pcm = np.frombuffer(bytes(twin.tape), "<i2")
    tape = Tape.of(browser["tape"]).samples * FULL_SCALE
    assert len(pcm) == len(tape) == twin.frame
    assert not len(pcm) or np.abs(pcm - tape).max() < ROUNDING
    assert twin.told == rows_of(browser["log"])


def with_audio(call: Call) -> Call:
    """A packet as it travels, in base64: a list of numbers would take its time."""
    if call[0] != "packet":
        return call
    return ["receive", base64.b64encode(made_packet(*call[1:]).pack()).decode()]


def made_packet(epoch: int, utterance: int, start: int, count: int, last: bool) -> Packet:
    """A packet with the utterance's ramp in it."""
    pcm = ramp(utterance, start, count).astype("<i2").tobytes()
    flags = Flag.LAST if last else Flag.NONE
    return Packet(Kind.BOT, epoch, utterance, start, pcm, flags)
