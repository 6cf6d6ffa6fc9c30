"""Levels that a window must reach to be the user's: above a crowd, and above the bot's echo.

Neither can be told from the user by Silero's probability: they are speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice

NO_GATE_DB = -120.0
"""No window is below it."""

MAYBE_SPEECH = 0.35
CROWD_WINDOWS = 188
CROWD_SHARE = 0.95
"""Who talks to a bot pauses within 6 s; speech without a pause is several people's."""
CROWD_OVER_WINDOWS = 63
CROWD_OVER_SHARE = 0.6
"""So many pauses within 2 s, and the crowd is gone."""
CROWD_QUANTILE = 0.1
CROWD_MARGIN_DB = 14.0
"""Above its quietest moments: in these the user is silent, too, however much he talks."""

BOT_SPEAKS_DB = -50.0
BOT_HOLD_WINDOWS = 20
"""640 ms: network, loudspeaker and room may delay the echo by so much."""
ECHO_WINDOWS = 94
ECHO_LEAST_WINDOWS = 20
"""With so many windows of the bot's voice its echo is known: 0.6 s."""
ECHO_QUANTILE = 0.7
ECHO_MARGIN_DB = 7.0
ECHO_PEAK_QUANTILE = 0.97
ECHO_PEAK_MARGIN_DB = 3.0
"""Above all but the loudest 3 windows of 3 s that were known as echo."""
ECHO_RISE_DB = 4.0
"""An echo that stands out of the noise by less is none."""


@dataclass(slots=True)
class Voices:
    """Voices in the background: speech that goes on without a pause."""

    present: bool = False
    _levels: deque[float] = field(default_factory=lambda: deque(maxlen=CROWD_WINDOWS))
    _speech: deque[bool] = field(default_factory=lambda: deque(maxlen=CROWD_WINDOWS))

    def hear(self, level_db: float, probability: float) -> None:
        """Take a window's level and probability."""
        self._levels.append(level_db)
        self._speech.append(probability >= MAYBE_SPEECH)

    def gate_db(self) -> float:
        """The level that keeps the crowd out; `NO_GATE_DB` where there is none."""
        if len(self._speech) == CROWD_WINDOWS and _share(self._speech) >= CROWD_SHARE:
            self.present = True
        recent = list(islice(reversed(self._speech), CROWD_OVER_WINDOWS))
        if self.present and _share(recent) < CROWD_OVER_SHARE:
            self.present = False
        if not self.present:
            return NO_GATE_DB
        return _quantile(self._levels, CROWD_QUANTILE) + CROWD_MARGIN_DB


@dataclass(slots=True)
class Echo:
    """How loud the bot comes back through the microphone, measured while it speaks."""

    _bot: deque[float] = field(default_factory=lambda: deque(maxlen=BOT_HOLD_WINDOWS))
    _bot_db: float = NO_GATE_DB
    """Of its last words."""
    _leaks: deque[float] = field(default_factory=lambda: deque(maxlen=ECHO_WINDOWS))
    _known: deque[float] = field(default_factory=lambda: deque(maxlen=ECHO_WINDOWS))

    def hear(
        self, level_db: float, bot_db: float, *, is_users: bool = False, is_echo: bool = False
    ) -> bool:
        """Take the levels of a window and of what the bot was sent to say meanwhile.

        Nothing is learned from what is the user's voice: a gate above it would keep it out
        for as long as it goes on. Gives whether the bot's voice may be in the room.
        """
        self._bot.append(bot_db)
        loudest = max(self._bot)
        if loudest < BOT_SPEAKS_DB:
            return False
        self._bot_db = loudest
        if is_users:
            return True
        self._leaks.append(level_db - loudest)
        if is_echo:
            self._known.append(level_db - loudest)
        return True

    def gate_db(self, noise_floor_db: float) -> float:
        """The level that keeps the echo out; it holds for the bot's next words, too.

        `NO_GATE_DB` where there is none or it is not known yet.
        """
        if len(self._leaks) < ECHO_LEAST_WINDOWS:
            return NO_GATE_DB
        echo_db = self._bot_db + _quantile(self._leaks, ECHO_QUANTILE)
        stands_out = echo_db >= noise_floor_db + ECHO_RISE_DB
        return echo_db + ECHO_MARGIN_DB if stands_out else NO_GATE_DB

    def peak_gate_db(self) -> float:
        """The level that keeps nearly all of it out, its peaks too; `NO_GATE_DB` until known."""
        if len(self._known) < ECHO_LEAST_WINDOWS:
            return NO_GATE_DB
        return self._bot_db + _quantile(self._known, ECHO_PEAK_QUANTILE) + ECHO_PEAK_MARGIN_DB


def _share(flags: Collection[bool]) -> float:
    return sum(flags) / len(flags)


def _quantile(levels: Collection[float], share: float) -> float:
    return sorted(levels)[int(share * (len(levels) - 1))]
