"""The listener's side: the pure client, a microphone that is told what to hear, and a tape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from bargein.client.client import Client, ClientSettings
from bargein.client.events import Event, ServerSilent, Sounded, Underrun, VerdictHeard, WelcomeHeard
from bargein.client.player import LOST_WAIT_MS
from bargein.concealment import lead_in_samples
from bargein.packet import BYTES_PER_SAMPLE
from bargein.protocol import WINDOW_SAMPLES
from tests.fire.bot import RATE_HZ
from tests.fire.hand_clock import HandClock

STEP_MS = WINDOW_SAMPLES * 1000 / 16_000
STEP_SAMPLES = int(RATE_HZ * STEP_MS / 1000)


@dataclass(frozen=True)
class Sound:
    """What the two VADs make of a sound, in percent of probability."""

    client: int
    server: int


SILENCE = Sound(0, 0)
SPEECH = Sound(90, 90)
SOUNDS = {
    "speech": SPEECH,
    "only the client hears it": Sound(90, 0),
    "only the server hears it": Sound(0, 90),
    "between": Sound(55, 55),
}


def window_of(sound: Sound) -> bytes:
    """A window whose first sample tells the server's VAD its probability."""
    return bytes([sound.server, 0]) + bytes(WINDOW_SAMPLES * BYTES_PER_SAMPLE - 2)


@dataclass(frozen=True)
class Heard:
    """A stretch that sounded, with what the client knew then."""

    at_ms: float
    epoch: int
    stretch: Sounded
    pcm: bytes


@dataclass
class Listener:
    """Steps of one window of the microphone; `check` sees each stretch that sounds."""

    clock: HandClock
    settings: ClientSettings
    send: Callable[[str | bytes], None]
    check: Callable[[Heard], None]
    hang_up: Callable[[], None]
    """The connection counts as dead."""
    sound: Sound = SILENCE
    sound_until_ms: float = 0
    played: Counter[int] = field(default_factory=Counter)
    """How much of each utterance was heard."""
    before: Counter[int] = field(default_factory=Counter)
    """How much of it was heard, before a word that a lost connection cut was said again."""
    lost: Counter[int] = field(default_factory=Counter)
    """How much of each utterance never came."""
    skipped: Counter[int] = field(default_factory=Counter)
    """How much of that is too much to be concealed: nothing sounds for it."""
    concealed: dict[int, list[range]] = field(default_factory=dict)
    """Which samples of each utterance are not as they were made: concealed or led in."""
    contesting_since_ms: float | None = None
    verdicts: list[VerdictHeard] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(self.settings)
        self.clock.call_later(STEP_MS, self._step)

    def make(self, sound: Sound, ms: float) -> None:
        """A sound begins, and lasts so long."""
        self.sound, self.sound_until_ms = sound, self.clock.now_ms() + ms

    def receive(self, data: str | bytes) -> None:
        """Something came from the server."""
        self.client.receive(data, self.clock.now_ms())
        self._after()

    def _step(self) -> None:
        now_ms = self.clock.now_ms()
        self.clock.call_later(STEP_MS, self._step)
        sound = self.sound if now_ms < self.sound_until_ms else SILENCE
        self.client.hear(window_of(sound), sound.client / 100, now_ms)
        output = self.client.render(STEP_SAMPLES, now_ms)
        self.client.tick(now_ms)
        self._after(output)

    def _after(self, output: bytes = b"") -> None:
        for event in self.client.events():
            self._note(event, output)
        for data in self.client.take():
            self.send(data)
        if not self.client.contesting:
            self.contesting_since_ms = None
        elif self.contesting_since_ms is None:
            self.contesting_since_ms = self.clock.now_ms()

    def _note(self, event: Event, output: bytes) -> None:
        match event:
            case Sounded():
                first = event.offset_samples * BYTES_PER_SAMPLE
                pcm = output[first : first + event.samples * BYTES_PER_SAMPLE]
                self.check(Heard(event.at_ms, self.client.epoch, event, pcm))
                self.played[event.utterance] = event.start_sample + event.samples
            case WelcomeHeard():
                self._take_up()
            case Underrun():
                self._note_lost(event)
            case VerdictHeard() if event.phase != "contested":
                self.verdicts.append(event)
                # Another attempt may begin in the same moment.
                self.contesting_since_ms = None
            case ServerSilent():
                self.hang_up()

    def _take_up(self) -> None:
        """The server names the sample at which its voice goes on: it may say a word again."""
        goes_on = self.client.welcome.goes_on if self.client.welcome else None
        if goes_on is None:
            return
        utterance, at_sample = goes_on.utterance, goes_on.at_sample
        if at_sample < self.played[utterance]:
            self.before[utterance] = max(self.before[utterance], self.played[utterance])
            self.played[utterance] = at_sample

    def _note_lost(self, event: Underrun) -> None:
        if not event.lost:
            return
        missing = min(event.lost, LOST_WAIT_MS * RATE_HZ // 1000)
        end = event.lost_at + event.lost
        self.lost[event.utterance] += event.lost
        self.skipped[event.utterance] += event.lost - missing
        made = range(end - missing, end + lead_in_samples(RATE_HZ))
        self.concealed.setdefault(event.utterance, []).append(made)
