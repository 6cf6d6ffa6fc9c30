"""What the room sounds like, and what a window must reach in it to be speech; audio time only.

Silero hardly minds noise: street, fan, rain and music do not score as speech. What noise does
is to lower the scores of real speech, so the threshold goes down as the noise floor comes up.
What does score as speech is other people and the bot's own voice; against these only the
level helps, and a gate rises above them (`gate.py`). `bench/noise.py` measures all of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bargein.gate import NO_GATE_DB, Echo, Voices

SILENCE_DB = -90.0
"""Digital silence counts as this; what is lower tells nothing about a room."""
UNHEARD = 1.0
"""The threshold of a window below the gate: it is silence, whatever its probability."""
UPDATE_WINDOWS = 8
"""The room is judged anew every 256 ms."""
FLOOR_WINDOWS = 94
"""The noise floor is the lowest level of 3 s: the gaps between bursts count, not the bursts."""
QUIET_BELOW = 0.1
"""A window below this probability is certainly no speech."""
FULL_SCALE = 32_768.0


class Why(StrEnum):
    """What threshold and gates follow."""

    QUIET = "quiet"
    """Nothing: the room is quiet."""
    NOISE = "noise"
    """Noise lowers the scores of speech: the threshold is lower."""
    VOICES = "voices"
    """People talk in the background: the gate lies above them."""
    ECHO = "echo"
    """The microphone hears the bot: the gate lies above its echo while it speaks."""


@dataclass(frozen=True, slots=True)
class NoiseRules:
    """How far the threshold moves, and when."""

    probability_threshold: float = 0.65
    """In a quiet room."""
    threshold_min: float = 0.4
    """In a loud one; without effect where it is above the other."""
    adaptive: bool = True
    """Off: neither threshold nor gates move."""
    quiet_floor_db: float = -65.0
    """Up to this noise floor the room is quiet..."""
    loud_floor_db: float = -45.0
    """...from this one on it is loud; in between the threshold falls evenly."""
    gate_max_db: float = -28.0
    """No gate is higher: who talks into the microphone is usually above it."""
    client_gate_max_db: float = -18.0
    """The client's own while the bot speaks: whom it keeps out, the server hears 100 ms later."""
    threshold_step: float = 0.03
    level_step_db: float = 2.0
    """Smaller changes are none: threshold and gates would never rest."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a window must reach to be speech, and why."""

    threshold: float
    gate_db: float = NO_GATE_DB
    echo_gate_db: float = NO_GATE_DB
    """The gate while the bot speaks, where it is above the other."""
    client_echo_gate_db: float = NO_GATE_DB
    """The client's, which can't tell echo: above its peaks too, or the bot would stutter."""
    noise_floor_db: float = SILENCE_DB
    why: Why = Why.QUIET

    def threshold_at(self, level_db: float, *, bot_speaks: bool) -> float:
        """The threshold for a window of this level; `UNHEARD` below the gate."""
        gate_db = max(self.gate_db, self.echo_gate_db) if bot_speaks else self.gate_db
        return self.threshold if level_db >= gate_db else UNHEARD


def level_db(pcm: bytes, lowest_db: float = SILENCE_DB) -> float:
    """The level of PCM16 in dBFS; digital silence, and what is lower, counts as the lowest."""
    samples: NDArray[np.float32] = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    power = float(np.dot(samples, samples)) / max(1, len(samples)) / FULL_SCALE**2
    return max(lowest_db, float(10 * np.log10(power))) if power > 0 else lowest_db


@dataclass(slots=True)
class NoiseFloor:
    """The lowest level of the last 3 s among windows that are no speech.

    A minimum, since an average would rise with the speech that the VAD has missed. While
    somebody speaks without a pause, the last known floor holds.
    """

    db: float = SILENCE_DB
    _quiet: deque[float] = field(default_factory=lambda: deque(maxlen=FLOOR_WINDOWS))

    def hear(self, level_db: float, probability: float) -> None:
        """Take a window's level and probability."""
        self._quiet.append(level_db if probability < QUIET_BELOW else float("inf"))

    def update(self) -> float:
        """Judge what was heard: the noise floor in dBFS."""
        lowest = min(self._quiet, default=float("inf"))
        if lowest < float("inf"):
            self.db = max(SILENCE_DB, lowest)
        return self.db


@dataclass(slots=True)
class Room:
    """Follows the room, window by window."""

    rules: NoiseRules
    hearing: Hearing = field(init=False)
    bot_speaks: bool = False
    """Its voice is in the room, or may still arrive there."""
    _floor: NoiseFloor = field(default_factory=NoiseFloor)
    _voices: Voices = field(default_factory=Voices)
    _echo: Echo = field(default_factory=Echo)
    _windows: int = 0

    def __post_init__(self) -> None:
        """Begin in a quiet room."""
        self.hearing = Hearing(self.rules.probability_threshold)

    def threshold(
        self,
        probability: float,
        level_db: float,
        bot_db: float = SILENCE_DB,
        *,
        is_echo: bool | None = None,
    ) -> float:
        """Take a window: its probability, its level, and the bot's level meanwhile, in dBFS.

        `is_echo` says whether it was known as the bot's own voice, None where nobody can know.
        Gives the threshold for this very window.
        """
        is_users = is_echo is False and probability >= QUIET_BELOW
        self._floor.hear(level_db, probability)
        self._voices.hear(level_db, probability)
        self.bot_speaks = self._echo.hear(
            level_db, bot_db, is_users=is_users, is_echo=bool(is_echo)
        )
        self._windows += 1
        if self._windows % UPDATE_WINDOWS == 0:
            self.hearing = self._settled(self._judge())
        return self.hearing.threshold_at(level_db, bot_speaks=self.bot_speaks)

    def _judge(self) -> Hearing:
        rules, floor_db = self.rules, self._floor.update()
        voices_db, echo_db = self._voices.gate_db(), self._echo.gate_db(floor_db)
        if not rules.adaptive:
            return Hearing(rules.probability_threshold, noise_floor_db=floor_db)
        threshold = self._threshold(floor_db)
        why = Why.NOISE if threshold < rules.probability_threshold else Why.QUIET
        if max(voices_db, echo_db) > NO_GATE_DB:
            why = Why.VOICES if voices_db >= echo_db else Why.ECHO
        voices_db, echo_db = min(rules.gate_max_db, voices_db), min(rules.gate_max_db, echo_db)
        peak_db = min(rules.client_gate_max_db, self._echo.peak_gate_db())
        return Hearing(threshold, voices_db, echo_db, max(echo_db, peak_db), floor_db, why)

    def _threshold(self, floor_db: float) -> float:
        rules = self.rules
        share = (floor_db - rules.quiet_floor_db) / (rules.loud_floor_db - rules.quiet_floor_db)
        room = max(0.0, rules.probability_threshold - rules.threshold_min)
        return rules.probability_threshold - room * min(1.0, max(0.0, share))

    def _settled(self, new: Hearing) -> Hearing:
        """The new one where it differs enough from the old one."""
        old, step_db = self.hearing, self.rules.level_step_db
        rests = (
            new.why is old.why
            and abs(new.threshold - old.threshold) < self.rules.threshold_step
            and abs(new.gate_db - old.gate_db) < step_db
            and abs(new.echo_gate_db - old.echo_gate_db) < step_db
            and abs(new.client_echo_gate_db - old.client_echo_gate_db) < step_db
            and abs(new.noise_floor_db - old.noise_floor_db) < step_db
        )
        return old if rests else new


TELL_EVERY_WINDOWS = 32
"""A client hears of a change at most once a second."""
TELL_AGAIN_WINDOWS = 313
"""And of the last one again every 10 s: on some networks it was lost or overtaken."""


@dataclass(slots=True)
class Telling:
    """When the client learns what the server goes by."""

    told: Hearing
    _since: int = TELL_EVERY_WINDOWS
    _has_told: bool = False

    def due(self, hearing: Hearing) -> bool:
        """Take the hearing of the next window; whether to tell it now."""
        self._since += 1
        is_news = hearing != self.told and self._since >= TELL_EVERY_WINDOWS
        if not is_news and not (self._has_told and self._since >= TELL_AGAIN_WINDOWS):
            return False
        self.told, self._since, self._has_told = hearing, 0, True
        return True
