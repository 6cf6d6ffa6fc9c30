"""The caller: says one turn after the other in real time, and keeps what is heard on a tape.

It is the same for all that is compared; how sound reaches the bot is the phone's affair. Time is
the caller's clock, in ms from the beginning: a machine that stalls makes the bot late, and nothing
hides it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bargein.rehearsal.levels import RATE_HZ, from_pcm, to_pcm
from bench.turn_taking.material import SpokenTurn
from tests.vendors.voice import LOUD
from tests.vendors.voice import RATE_HZ as BOT_RATE_HZ

STEP_MS = 8
STEP_SAMPLES = RATE_HZ * STEP_MS // 1000
PLAYED_SAMPLES = BOT_RATE_HZ * STEP_MS // 1000
REST_MS = 900
"""The bot has been silent for so long: the user speaks again."""
UNANSWERED_MS = 8_000
"""The user waits so long for an answer, then says the next thing."""
FIRST_MS = 1_000
HISS = 3
"""The microphone's noise, as PCM16."""


class Phone(Protocol):
    """How sound gets to the bot and back."""

    def hear(self, pcm: bytes, now_ms: float) -> None:
        """The microphone has heard a step."""

    def play(self, samples: int, now_ms: float) -> bytes:
        """What sounds in the next step."""


@dataclass(frozen=True, slots=True)
class Turned:
    """A turn that was said, in ms of the caller's clock."""

    number: int
    onset_ms: float
    end_ms: float


@dataclass(slots=True)
class Tape:
    """What was heard, step by step."""

    sound: list[bytes] = field(default_factory=list)
    at_ms: list[float] = field(default_factory=list)
    """When each step began to sound."""


class Caller:
    """Says the turns, and stops behind the last answer."""

    def __init__(self, turns: Sequence[SpokenTurn], phone: Phone) -> None:
        """Call nobody yet."""
        self.said: list[Turned] = []
        self.tape = Tape()
        self.late_ms: list[float] = []
        """How late each step was: the machine's doing."""
        self._turns, self._phone = turns, phone
        self._noise = np.random.default_rng(7)
        self._begun_s = time.monotonic()
        self._speaking: tuple[SpokenTurn, int] | None = None
        self._answered = False
        self._quiet_since_ms = 0.0

    @property
    def begun_ms(self) -> float:
        """The beginning, on the monotonic clock."""
        return self._begun_s * 1000

    @property
    def now_ms(self) -> float:
        """The caller's clock."""
        return (time.monotonic() - self._begun_s) * 1000

    async def live(self) -> None:
        """Talk with the bot to the end."""
        step = 0
        while not self._over:
            due_ms = step * STEP_MS
            await asyncio.sleep(max(0.0, due_ms - self.now_ms) / 1000)
            self._play()
            self._say(due_ms)
            step += 1
            self.late_ms.append(max(0.0, self.now_ms - due_ms))

    @property
    def _over(self) -> bool:
        return self._may_speak and len(self.said) == len(self._turns)

    @property
    def _may_speak(self) -> bool:
        """The bot has answered, or will not any more."""
        if self._speaking:
            return False
        if not self.said:
            return self.now_ms - self._quiet_since_ms >= FIRST_MS
        if self._answered:
            return self.now_ms - self._quiet_since_ms >= REST_MS
        return self.now_ms - self.said[-1].end_ms >= UNANSWERED_MS

    def _play(self) -> None:
        at_ms = self.now_ms
        pcm = self._phone.play(PLAYED_SAMPLES, at_ms)
        self.tape.sound.append(pcm)
        self.tape.at_ms.append(at_ms)
        if np.abs(np.frombuffer(pcm, dtype="<i2")).max(initial=0) > LOUD:
            self._quiet_since_ms = at_ms
            self._answered = self._answered or bool(self.said and at_ms > self.said[-1].end_ms)

    def _say(self, due_ms: float) -> None:
        """Speak for a step, which is sent when it is over."""
        if self._may_speak and len(self.said) < len(self._turns):
            turn = self._turns[len(self.said)]
            onset_ms = due_ms - STEP_MS
            self.said.append(Turned(len(self.said), onset_ms, onset_ms + turn.end_ms))
            self._speaking, self._answered = (turn, 0), False
        noise = self._noise.integers(-HISS, HISS + 1, STEP_SAMPLES)
        heard = from_pcm(noise.astype("<i2").tobytes())
        if self._speaking:
            turn, at = self._speaking
            piece = turn.sound[at : at + STEP_SAMPLES]
            heard[: len(piece)] += piece
            over = at + STEP_SAMPLES >= len(turn.sound)
            self._speaking = None if over else (turn, at + STEP_SAMPLES)
        self._phone.hear(to_pcm(heard), self.now_ms)
