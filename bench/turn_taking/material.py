"""The user's turns as sound, with the time of each word: spoken by espeak, or recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]
import soxr

from bargein.processors.espeak import Speech, Voice, WordStart, engine
from bargein.rehearsal.levels import RATE_HZ, SPEECH_DB, Sound, at_level, from_pcm
from bench.turn_taking.script import TURNS, VOICES, Said, stretches
from tests.vendors.ear import BLOCK_SAMPLES, HeardTurn, HeardWord

WORDS_PER_MINUTE = 165
SPEAK_S = 30
FLOOR_DB = 38.0
"""Speech is what lies within so much of the loudest moment, as the corpus is labelled."""
FADE_SAMPLES = RATE_HZ // 50
RECORDED_KINDS = ("sentence", "phrase", "short")
LONGEST_MS = 9_000


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn as it sounds; its first sample is the onset."""

    sound: Sound
    heard: HeardTurn
    end_ms: float
    """Where speech ends."""
    voice: str


def spoken_turns(count: int) -> list[SpokenTurn]:
    """The turns of the script, from the first on, again and again."""
    made = []
    for number in range(count):
        # The voices do not stand still when the script begins again.
        voice = VOICES[(number + number // len(TURNS)) % len(VOICES)]
        made.append(_turn(list(stretches(TURNS[number % len(TURNS)])), voice))
    return made


def recorded_turns(folder: Path, count: int) -> list[SpokenTurn]:
    """Recordings with a transcript; `manifest.json` says text, onset and offset."""
    found = []
    for entry in json.loads((folder / "manifest.json").read_text()):
        length_ms = (entry.get("offset_ms") or 0) - (entry.get("onset_ms") or 0)
        if entry["kind"] in RECORDED_KINDS and entry.get("text") and length_ms <= LONGEST_MS:
            found.append(_recorded(folder, entry))
    # Long and short by turns, the same ones each time.
    order = np.random.default_rng(4).permutation(len(found))
    return [found[i] for i in order[:count]]


def _turn(said: Sequence[Said], voice: str) -> SpokenTurn:
    pieces: list[Sound] = []
    words: list[HeardWord] = []
    at_ms = 0.0
    for stretch in said:
        sound, starts = _speak(stretch.text, voice)
        length_ms = len(sound) * 1000 / RATE_HZ
        ends = [*starts[1:], length_ms]
        texts = stretch.text.split()
        for text, first, start, end in zip(texts, stretch.first, starts, ends, strict=True):
            words.append(HeardWord(text, at_ms + start, at_ms + end, first))
        silence = np.zeros(round(stretch.pause_ms * RATE_HZ / 1000), dtype=np.float32)
        pieces += [sound, silence]
        at_ms += length_ms + stretch.pause_ms
    sound = at_level(np.concatenate(pieces), SPEECH_DB)
    return SpokenTurn(sound, HeardTurn(tuple(words), at_ms), words[-1].end_ms, voice)


def _speak(text: str, voice: str) -> tuple[Sound, list[float]]:
    """A stretch from its first loud moment to its last, and where its words begin, in ms."""
    chunks: list[bytes] = []
    starts: list[WordStart] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        starts.extend(speech.words)
        return True

    how = Voice(name=voice, words_per_minute=WORDS_PER_MINUTE)
    engine().speak(text, how, keep).result(timeout=SPEAK_S)
    rate_hz = engine().sample_rate_hz
    sound = soxr.resample(from_pcm(b"".join(chunks)), rate_hz, RATE_HZ).astype(np.float32)
    first, last = _loud(sound)
    times = [max(0.0, (each.start_sample / rate_hz - first / RATE_HZ) * 1000) for each in starts]
    return sound[first:last], times


def _loud(sound: Sound) -> tuple[int, int]:
    """Where speech begins and ends, in samples, by blocks of 10 ms."""
    blocks = sound[: len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES)
    power = np.square(blocks).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-FLOOR_DB / 10))
    return int(loud[0]) * BLOCK_SAMPLES, int(loud[-1] + 1) * BLOCK_SAMPLES


def _recorded(folder: Path, entry: dict[str, str | float]) -> SpokenTurn:
    """A recording from its onset to its offset; its words spread over it by their length."""
    read, rate_hz = soundfile.read(folder / str(entry["file"]), dtype="float32", always_2d=True)
    sound = soxr.resample(read.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)
    first, last = (round(float(entry[key]) * RATE_HZ / 1000) for key in ("onset_ms", "offset_ms"))
    sound = at_level(sound[first:last].copy(), SPEECH_DB)
    sound[-FADE_SAMPLES:] *= np.linspace(1, 0, FADE_SAMPLES, dtype=np.float32)
    length_ms = len(sound) * 1000 / RATE_HZ
    words = tuple(_spread(str(entry["text"]), length_ms))
    return SpokenTurn(sound, HeardTurn(words, length_ms), length_ms, str(entry["speaker"]))


def _spread(text: str, length_ms: float) -> Iterator[HeardWord]:
    tokens = text.split()
    tokens[0], tokens[-1] = tokens[0].capitalize(), f"{tokens[-1]}."
    ends = np.cumsum([len(token) + 1 for token in tokens])
    starts = [0, *ends[:-1]]
    for token, start, end in zip(tokens, starts, ends, strict=True):
        start_ms, end_ms = (float(at) * length_ms / float(ends[-1]) for at in (start, end))
        yield HeardWord(token, start_ms, end_ms)
