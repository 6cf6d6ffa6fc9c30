"""Our client in real time at a line without a network: microphone, loudspeaker, and a tape.

All decisions are those of `bargein.client.client`. Sound is timed by its samples, so a stall
of the machine moves no onset; messages are timed by the clock, when they are handed over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from bargein.client.client import Client, ClientSettings
from bargein.client.events import Detected, Event, Muted, Sounded
from bargein.measure.ear import Tape
from bargein.measure.mouth import RATE_HZ, Mouth
from bargein.measure.playback import Samples
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.protocol import WINDOW_SAMPLES, Accepted, Contested, Message, Rejected
from bargein.transports.rehearsal.line import Line
from bargein.voice_activity import Refresh

STEP_MS = 8
"""A quarter of a window; the loudspeaker takes so much at once."""
STEPS_PER_WINDOW = WINDOW_SAMPLES * 1000 // RATE_HZ // STEP_MS


@dataclass(slots=True)
class Wire:
    """What went over the line, and when, in ms of the clock."""

    detected: list[Detected] = field(default_factory=list)
    muted: list[Muted] = field(default_factory=list)
    told_ms: list[float] = field(default_factory=list)
    """When each `truncate` of a new detection was handed over."""
    contested_ms: list[float] = field(default_factory=list)
    audio_ms: list[float] = field(default_factory=list)
    """When each packet of the bot's voice was sent."""


class Listener:
    """Its `line` is what a browser's connection is to the local room."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz` is the rate of the bot's voice."""
        self.line = Line(transmit=self._take, note=self._note_sent)
        self.began, self.judged, self.replied = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.accepted = False
        """Whether the user got the floor."""
        self.reply_ms: float | None = None
        self.tape = Tape(rate_hz)
        self.wire = Wire()
        # A hint of a voice only makes the bot softer: left out, so that samples can be compared.
        self._client = Client(ClientSettings(duck_on_hint=False))
        self._rate_hz = rate_hz
        self._mouth = Mouth()
        self._silero, self._refresh = Silero(), Refresh()
        self._begun_ms = 0.0
        self._steps = 0
        self._utterance = 0

    # --- the user ----------------------------------------------------------------------

    def say(self, sound: Samples, lead_samples: int) -> float:
        """Begin a sound, and give the ms at which its first sample is in the air."""
        return self._begun_ms + self._mouth.say(sound, lead_samples) * 1000 / RATE_HZ

    async def live(self) -> None:
        """Hear and play until the line is closed."""
        self._begun_ms = monotonic_ms()
        self._client.connect(self._begun_ms)
        self._carry()
        while not self.line.closed.is_set():
            at_ms = self._begun_ms + self._steps * STEP_MS
            if self._steps and self._steps % STEPS_PER_WINDOW == 0:
                self._hear(at_ms)
            self._client.tick(at_ms)
            self._play(at_ms)
            self._carry()
            self._steps += 1
            due_ms = self._begun_ms + self._steps * STEP_MS
            await asyncio.sleep(max(0.0, due_ms - monotonic_ms()) / 1000)
        self._silero.close()

    def _hear(self, at_ms: float) -> None:
        window = self._mouth.chunk(WINDOW_SAMPLES)
        probability = self._silero.probability(window)
        if self._refresh.due(probability, speaking=self._client.contesting):
            self._silero.reset()
        self._client.hear(window, probability, at_ms)

    def _play(self, at_ms: float) -> None:
        samples = self._rate_hz * STEP_MS // 1000
        pcm = self._client.render(samples, at_ms)
        self.tape.add(np.frombuffer(pcm, dtype="<i2"), at_ms)

    def _carry(self) -> None:
        for event in self._client.events():
            self._note(event)
        for data in self._client.take():
            self.line.arrive(data)

    def _note(self, event: Event) -> None:
        match event:
            case Sounded(utterance=utterance, at_ms=at_ms):
                self.began.set()
                self._utterance = self._utterance or utterance
                if utterance != self._utterance and self.reply_ms is None:
                    self.reply_ms = at_ms
                    self.replied.set()
            case Detected():
                self.judged.clear()
                self.wire.detected.append(event)
                self.wire.told_ms.append(monotonic_ms())
            case Muted():
                self.wire.muted.append(event)

    # --- the server's side -------------------------------------------------------------

    def _take(self, data: str | bytes) -> None:
        """The server sends something: the client has it at once, there is no network."""
        now_ms = monotonic_ms()
        if isinstance(data, bytes):
            self.wire.audio_ms.append(now_ms)
        self._client.receive(data, now_ms)
        self._carry()

    def _note_sent(self, message: Message) -> None:
        match message:
            case Contested():
                self.wire.contested_ms.append(monotonic_ms())
            case Accepted():
                self.accepted = True
                self.judged.set()
            case Rejected():
                self.judged.set()


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False if it does not come in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
