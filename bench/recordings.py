"""Sounds for a bench: recordings of a corpus, words that espeak says, and rooms to put them in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import soundfile  # type: ignore[import-untyped]
import soxr
from numpy.typing import NDArray

from bargein.processors.espeak import Speech, Voice, engine
from bargein.rehearsal.noises import make
from bargein.verdict import BACKCHANNELS, normal

Sound = NDArray[np.float32]

RATE_HZ = 16_000
ESPEAK_RATE_HZ = 22_050
USER_DB, BOT_DB = -26.0, -20.0
"""Levels of who speaks, over the parts that are loud, dBFS."""
LOUD = 1e-3
"""A block with less than this share of the loudest one's power is a pause."""
LONGEST_S = 6.0
ACTED = ("hw_", "nx_")
"""Cartoon voices of games, which Silero hardly takes for speech: no user sounds like that."""
SPEAKERS = ("en-us+klatt2", "en-us+klatt4", "en-us", "en-us+f3")
MURMURS = (
    *("mm-hm", "uh-huh", "yeah", "okay", "right", "hmm", "yes", "oh", "aha", "wow"),
    *("oh okay", "yeah right", "uh huh", "yes yes", "ah okay", "oh wow"),
)
COMMANDS = (
    *("stop", "wait", "no", "hello", "hold on", "excuse me", "what", "why", "tea please", "help"),
    *("go back", "never mind", "louder", "say it again", "how much", "not now"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound, what it is, and where in it the sound itself begins and ends."""

    name: str
    kind: str
    speaker: str
    sound: Sound
    onset_ms: float
    offset_ms: float
    words: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Nothing was tuned on this speaker."""
        return crc32(self.speaker.encode()) % 2 == 1

    def words_at(self, ms: float, delay_ms: float) -> tuple[str, ...]:
        """The words that a recogniser knows by then: spread by length, told after the delay."""
        total = sum(len(word) for word in self.words)
        ends = np.cumsum([len(word) for word in self.words]) / max(1, total)
        length_ms = self.offset_ms - self.onset_ms
        known = sum(self.onset_ms + end * length_ms + delay_ms <= ms for end in ends)
        return self.words[:known]


def corpus(folder: Path) -> Iterator[Recording]:
    """Read a folder of recordings with its manifest.json; words of the list are backchannels."""
    for entry in json.loads((folder / "manifest.json").read_text()):
        sound, rate_hz = soundfile.read(folder / entry["file"], dtype="float32", always_2d=True)
        mono = soxr.resample(sound.mean(axis=1), rate_hz, RATE_HZ)[: int(LONGEST_S * RATE_HZ)]
        words = tuple((entry.get("text") or "").split())
        kind = "backchannel" if words and is_murmur(words) else entry["kind"]
        if kind == "interjection" and entry["speaker"].startswith(ACTED):
            kind = "acted"
        length_ms = len(mono) * 1000 / RATE_HZ
        yield Recording(
            entry["id"],
            kind,
            entry["speaker"],
            at_level(mono, USER_DB),
            entry.get("onset_ms", 0.0),
            min(entry.get("offset_ms", length_ms), length_ms),
            words,
        )


def is_murmur(words: tuple[str, ...]) -> bool:
    """All of the words are backchannels."""
    return all(normal(word) in BACKCHANNELS for word in words)


def said_by_espeak() -> Iterator[Recording]:
    """Backchannels and commands in some voices, for the corpus has few of the former."""
    for kind, texts in (("murmur (espeak)", MURMURS), ("command (espeak)", COMMANDS)):
        for name in SPEAKERS:
            for text in texts:
                sound = at_level(spoken(text, name), USER_DB)
                loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() / 30) * 1000 / RATE_HZ
                words = tuple(text.split())
                speaker = f"{name} {text}"
                yield Recording(text, kind, speaker, sound, loud[0], loud[-1], words)


@cache
def spoken(text: str, name: str) -> Sound:
    """Let espeak say it."""
    chunks: list[bytes] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        return True

    voice = Voice(name=name, words_per_minute=170, pitch=45, volume=100)
    engine().speak(text, voice, keep).result(timeout=20)
    samples = np.frombuffer(b"".join(chunks), dtype="<i2").astype(np.float32) / 32768
    resampled: Sound = soxr.resample(samples, ESPEAK_RATE_HZ, RATE_HZ)
    return resampled


def at_level(sound: Sound, level_db: float) -> Sound:
    """The sound with its loud parts at this level."""
    blocks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    powers = (blocks**2).mean(axis=1)
    loud = powers[powers >= powers.max() * LOUD].mean()
    scaled: Sound = sound * np.float32(10 ** (level_db / 20) / np.sqrt(max(loud, 1e-12)))
    return scaled


def noise(kind: str, samples: int, seed: int, talkers: list[Recording]) -> Sound:
    """Noise at the level of a user: babble of talkers, or one that is made."""
    if kind != "babble":
        return _mean_level(make(kind, samples * 1000 / RATE_HZ, seed)[:samples])
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(talkers), size=8, replace=False)
    voices = [np.resize(np.roll(talkers[n].sound, rng.integers(RATE_HZ)), samples) for n in chosen]
    return _mean_level(np.sum(voices, axis=0).astype(np.float32))


def _mean_level(sound: Sound) -> Sound:
    scaled: Sound = sound * np.float32(10 ** (USER_DB / 20) / np.sqrt((sound**2).mean() + 1e-12))
    return scaled
