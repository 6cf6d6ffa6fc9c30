"""Whether the sound of speech has ended, though the VAD's model still scores it; pure.

Silero's score hangs on for two or three windows behind the last sound. In a room that is quiet
enough the level tells at once. It says nothing of where speech begins, nor of how much there was.
"""

from __future__ import annotations

from dataclasses import dataclass

from bargein.noise import SILENCE_DB

DROP_DB = 25.0
"""Below the loudest speech of late: what sounds softer than this is no vowel, and no word."""
DECAY_DB = 0.32
"""In one window: 10 dB in a second, so that one loud word does not hush all that follow."""


@dataclass(slots=True)
class Hush:
    """Follows how loud the user is."""

    loudest_db: float = SILENCE_DB

    def window(self, level_db: float, *, speech: bool) -> bool:
        """Take the next window's level (dBFS), and whether it scores as speech; whether it is over.

        In a noisy room no window is: the noise is not so much softer than the speech.
        """
        self.loudest_db = max(SILENCE_DB, self.loudest_db - DECAY_DB)
        if speech:
            self.loudest_db = max(self.loudest_db, level_db)
        return level_db < self.loudest_db - DROP_DB
