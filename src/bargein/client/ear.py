"""What a client hears: onsets and offsets from probabilities, and its noise floor.

The caller scores the windows; the rules are those of the browser's client.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

from bargein.gate import NO_GATE_DB
from bargein.noise import level_db
from bargein.protocol import MICROPHONE_RATE_HZ, WINDOW_SAMPLES

WINDOW_MS = WINDOW_SAMPLES * 1000 / MICROPHONE_RATE_HZ
HYSTERESIS = 0.15
"""Speech goes on until the probability is this far below the threshold, or below half of it..."""
MIN_SILENCE_MS = 200
"""...for this long."""
MIN_SILENT_WINDOWS = math.ceil(MIN_SILENCE_MS / WINDOW_MS)
SILENCE_DB = -120.0
"""A client tells levels down to this."""
FLOOR_WINDOWS = 94
"""The noise floor is the lowest level of about 3 s..."""
CERTAINLY_QUIET = 0.1
"""...among windows below this probability, which are certainly no speech."""
UNKNOWN_FLOOR_DB = -90.0
"""What is assumed before anything quiet was heard."""

HINT_SHARE = 0.5
"""A window of this share of the threshold is a hint of a voice..."""
HINT_WINDOWS = 3
"""...that holds for so many windows, if nothing follows."""
NEVER = 1.0
"""No window reaches this: the bot may not be interrupted, so it is not ducked either."""

Change = Literal["onset", "offset"]


class Ear:
    """Hears windows of 512 samples at 16 kHz."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.probability = 0.0
        """Of the last window."""
        self.window_index = 0
        """Of the last window."""
        self.speaking = False
        self.hinted = False
        """The last window may be the begin of speech."""
        self._hint_left = 0
        self.noise_floor_db = UNKNOWN_FLOOR_DB
        self._windows = 0
        self._silent_windows = 0
        self._levels: deque[float] = deque(maxlen=FLOOR_WINDOWS)

    def hear(
        self, pcm: bytes, probability: float, threshold: float, gate_db: float = NO_GATE_DB
    ) -> Change | None:
        """Take a window; gives what it changes. Below the gate it is silence."""
        self.probability, self.window_index = probability, self._windows
        self._windows += 1
        db = level_db(pcm, SILENCE_DB)
        self._levels.append(db if probability < CERTAINLY_QUIET else math.inf)
        lowest_db = min(self._levels)
        if lowest_db < math.inf:
            self.noise_floor_db = lowest_db
        heard = probability if db >= gate_db else 0.0
        change = self._change(heard, threshold)
        self._take_hint(heard, threshold)
        return change

    def _take_hint(self, heard: float, threshold: float) -> None:
        if self.speaking or threshold >= NEVER:
            self._hint_left = 0
        elif heard >= threshold * HINT_SHARE:
            self._hint_left = HINT_WINDOWS
        else:
            self._hint_left = max(0, self._hint_left - 1)
        self.hinted = self._hint_left > 0

    @property
    def first_silent_window(self) -> int:
        """The first window of the silence that the last offset stands for."""
        return self.window_index - self._silent_windows + 1

    def _change(self, probability: float, threshold: float) -> Change | None:
        if not self.speaking:
            if probability < threshold:
                return None
            self.speaking, self._silent_windows = True, 0
            return "onset"
        quiet = probability < max(threshold - HYSTERESIS, threshold / 2)
        self._silent_windows = self._silent_windows + 1 if quiet else 0
        if self._silent_windows < MIN_SILENT_WINDOWS:
            return None
        self.speaking = False
        return "offset"
