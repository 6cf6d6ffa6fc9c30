"""What the bot's own voice costs: contests with nobody in the room, and speech taken for echo.

The second is double talk at its worst: the bot may not be interrupted and talks on, and of the
windows that score as speech without it those are counted that the recogniser gets as silence.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bargein.processors.silero import Silero
from bargein.protocol import WINDOW_SAMPLES
from bench.hearings import LEAD_MS, Hearing, Scene
from bench.recordings import RATE_HZ, Recording
from bench.verdicts import RULES, SETTINGS, background, bot, sounds

LEAKS_DB = (-30, -25, -20, -16, -12, -8)
ALONE_S = 30
SPEECH_AT = 0.65
SOFTER_DB = (0, 6, 12)
"""Below the -26 dBFS of the recordings."""
REAL = ("sentence", "phrase")
SCALE = 32_768
LEAD = LEAD_MS * RATE_HZ // 1000


def scene(folder: Path, leak_db: float) -> Scene:
    """A quiet room in which so much of the bot comes back."""
    behind = background(SETTINGS[0], folder)
    return Scene(bot(), behind, leak_db, rules=replace(RULES, trust_words=False))


def alone(each: Recording, place: Scene) -> tuple[int, int]:
    """Contests, and those that took the floor, in half a minute with nobody there."""
    nobody = replace(each, sound=np.zeros(ALONE_S * RATE_HZ, dtype=np.float32))
    contests = Hearing(nobody, place).run().contests
    return len(contests), sum(not contest.reason for contest in contests)


class Unstoppable(Hearing):
    """The bot talks on; counts the windows of the user's speech, and those taken for echo."""

    def swallowed(self) -> tuple[int, int]:
        """How many were taken for echo, and of how many."""
        self._arbiter.barge_in_enabled = False
        sound, silero, taken = self.outcome.recording.sound, Silero(), []
        for n in range((LEAD + len(sound)) // WINDOW_SAMPLES):
            self._window(n)
            at = n * WINDOW_SAMPLES - LEAD
            own = sound[max(0, at) :][:WINDOW_SAMPLES] if at >= 0 else sound[:0]
            if len(own) < WINDOW_SAMPLES:
                continue
            pcm = (own * SCALE).clip(-SCALE, SCALE - 1).astype("<i2").tobytes()
            if silero.probability(pcm) >= SPEECH_AT:
                taken.append(self._reading.is_echo)
        return sum(taken), len(taken)


def main() -> None:
    """Read the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="CORPUS_DIR")
    parser.add_argument("--every", type=int, default=8, help="take each so many-th recording")
    arguments = parser.parse_args()
    heard = sounds(arguments.folder)
    users = [each for each in heard if each.kind in REAL][:: arguments.every]
    for leak_db in LEAKS_DB:
        place = scene(arguments.folder, leak_db)
        contests, accepted = alone(heard[0], place)
        print(f"{leak_db} dB: {contests} contests in {ALONE_S} s alone, {accepted} accepted")
        for softer_db in SOFTER_DB:
            gain = np.float32(10 ** (-softer_db / 20))
            counts = [
                Unstoppable(replace(each, sound=each.sound * gain), place).swallowed()
                for each in users
            ]
            taken, of = (sum(each) for each in zip(*counts, strict=True))
            print(f"  a user at {-26 - softer_db} dBFS: {taken} of {of} windows taken for echo")


if __name__ == "__main__":
    main()
