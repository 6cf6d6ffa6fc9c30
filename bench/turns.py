"""Turns for a bench of endpointing: whole ones, and ones that are cut where a person might pause.

Real recordings, whose words pocketsphinx puts in their places; numbers and spelled names, of
which a corpus has few, are said by espeak.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]
import soxr
from numpy.typing import NDArray
from pocketsphinx import Decoder

from bargein.processors.espeak import Speech, Voice, engine
from bench.recordings import (
    ACTED,
    ESPEAK_RATE_HZ,
    RATE_HZ,
    SPEAKERS,
    USER_DB,
    Sound,
    at_level,
)

LEAD_MS, TRAIL_MS = 600, 2_500
FLOOR_DB = -66.0
"""The room behind the last word: a quiet one."""
FADE_MS = 10
LONGEST_S = 20.0
PER_FRAME_MS = 10
"""What pocketsphinx tells times in."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS = _words(
    "a an the and or but so if of to in on at for with from by than as that because my your his"
    " her its our their mister this he she it we you i is was are were be been have had has not do"
)
NUMBERS = _words("zero oh one two three four five six seven eight nine ten")
"""What people do not end on; only for the rows of the table, the rule has a list of its own."""

TOLD: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("number", "my number is five five five one two three four", (4, 6, 7, 8, 9)),
    ("number", "it's oh seven seven two nine double one four six", (2, 4, 5, 6, 8, 9)),
    ("number", "the code is four two seven one", (4, 5, 6)),
    ("number", "two hundred and forty five dollars", (2, 3, 4)),
    ("number", "my card is four one one one two two two two", (4, 5, 6, 7, 8, 9)),
    ("number", "the zip code is nine four one zero seven", (5, 6, 7, 8)),
    ("number", "the order number is six three one nine eight four", (5, 6, 7, 8, 9)),
    ("number", "twenty three fifty one thirty", (2, 4)),
    ("spelling", "my name is smith s m i t h", (5, 6, 7, 8)),
    ("spelling", "it's spelled b r o w n", (3, 4, 5, 6)),
    ("spelling", "s as in sam m as in mary", (1, 2, 3, 4, 5, 6, 7)),
    ("spelling", "john dot smith at example dot com", (2, 4, 5, 6)),
    ("phrase", "I'd like a table for two and some water", (2, 3, 5, 7, 8)),
    ("phrase", "can you tell me what the price of the tea is", (3, 5, 6, 8, 9)),
    ("phrase", "I want to book it because my mother comes on Friday", (3, 6, 7, 9)),
    ("phrase", "on the third of May at half past seven", (1, 2, 4, 6, 7, 8)),
    ("phrase", "I live at twelve oak street in Springfield", (3, 4, 7)),
)
"""What espeak says, and after how many words it may pause."""
WHOLE = (
    *("a table for two", "I am thirty four", "it costs five", "yes", "no thanks", "yes please"),
    *("I'd like a cup of tea", "what time do you close", "two teas please", "on Friday at seven"),
    *("my number is five five five one two three four", "nothing else thank you", "that's all"),
    *("can you say that again", "how much is the soup", "I live in Springfield", "it is broken"),
    *("the code is four two seven one", "my name is Anna", "I don't know", "goodbye", "tomorrow"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody spoke, and is silent since: for good, or in the middle."""

    name: str
    row: str
    whole: bool
    sound: Sound
    """16 kHz, with a lead and a trail of silence."""
    end_ms: float
    """Where the last word ends in it."""
    words: tuple[str, ...] = ()
    ends_ms: tuple[float, ...] = ()
    """Where each word ends."""

    def known(self, at_ms: float, lag_ms: float) -> str:
        """What a recogniser has told by then."""
        told = zip(self.words, self.ends_ms, strict=True)
        return " ".join(word for word, end_ms in told if end_ms + lag_ms <= at_ms)


def turns(corpus: Path) -> Iterator[Turn]:
    """All turns of the bench."""
    for entry in json.loads((corpus / "manifest.json").read_text()):
        if _said_to_a_bot(entry):
            yield from _recorded(corpus, entry)
    for name in SPEAKERS:
        for text in WHOLE:
            *_, (_, turn) = _espoken(text, name)
            yield replace(turn, row="whole, espeak")
        for row, text, pauses in TOLD:
            for count, turn in _espoken(text, name):
                if count in pauses:
                    yield replace(turn, row=f"{row}, espeak")


def _said_to_a_bot(entry: dict[str, str]) -> bool:
    spoken = entry["kind"] in ("sentence", "long", "phrase", "short", "interjection")
    return spoken and not entry["speaker"].startswith(ACTED)


def _recorded(corpus: Path, entry: dict[str, str]) -> Iterator[Turn]:
    sound, rate_hz = soundfile.read(corpus / entry["file"], dtype="float32")
    assert rate_hz == RATE_HZ
    end_ms = float(entry["offset_ms"])
    words = tuple((entry["text"] or "").split())
    placed = _placed(sound, words) if words else ()
    row = "sentence" if entry["kind"] in ("sentence", "long") else "short"
    if end_ms <= LONGEST_S * 1000 and (placed or not words):
        ends = tuple(end + LEAD_MS for _, end in placed)
        yield _turn(entry["id"], f"whole, {row}", True, sound, end_ms, words, ends)
    if row == "sentence":
        yield from _cuts(entry["id"], sound, placed)


def _cuts(name: str, sound: Sound, placed: tuple[tuple[str, float], ...]) -> Iterator[Turn]:
    for count in range(2, len(placed)):
        end_ms = placed[count - 1][1]
        if end_ms > LONGEST_S * 1000:
            return
        words = tuple(word for word, _ in placed[:count])
        ends = tuple(end + LEAD_MS for _, end in placed[:count])
        last = words[-1]
        row = "number" if last in NUMBERS else "function" if last in FUNCTION_WORDS else "other"
        cut = sound[: int(end_ms * RATE_HZ / 1000)]
        yield _turn(f"{name}: {' '.join(words)} |", f"{row} word", False, cut, end_ms, words, ends)


def _placed(sound: Sound, words: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Each word with the ms where it ends; none if pocketsphinx does not know a word."""
    decoder = Decoder(lm=None, samprate=RATE_HZ, loglevel="FATAL")
    try:
        decoder.set_align_text(" ".join(words))
    except RuntimeError:
        return ()
    decoder.start_utt()
    decoder.process_raw((sound * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = [(s.word, (s.end_frame + 1) * PER_FRAME_MS) for s in decoder.seg() or ()]
    placed = tuple((word.split("(")[0], float(ms)) for word, ms in found if word[0] not in "<[")
    return placed if len(placed) == len(words) else ()


def _espoken(text: str, name: str) -> Iterator[tuple[int, Turn]]:
    """The sentence up to each of its words, with how many those are; the last is the whole."""
    sound, ends_ms = _said(text, name)
    words = tuple(text.split())
    for count in range(1, len(words) + 1):
        cut = sound[: int(ends_ms[count - 1] * RATE_HZ / 1000)]
        told = " ".join(words[:count])
        ends = tuple(LEAD_MS + end_ms for end_ms in ends_ms[:count])
        whole = count == len(words)
        yield (
            count,
            _turn(f"{name}: {told} |", "", whole, cut, ends_ms[count - 1], words[:count], ends),
        )


@cache
def _said(text: str, name: str) -> tuple[Sound, tuple[float, ...]]:
    """What espeak makes of it, and where each word ends, in ms."""
    chunks: list[bytes] = []
    starts: list[float] = []

    def keep(speech: Speech) -> bool:
        chunks.append(speech.pcm)
        starts.extend(word.start_sample * 1000 / ESPEAK_RATE_HZ for word in speech.words)
        return True

    engine().speak(text, Voice(name, 160, 45, 100), keep).result(timeout=20)
    samples = np.frombuffer(b"".join(chunks), dtype="<i2").astype(np.float32) / 32768
    resampled: Sound = soxr.resample(samples, ESPEAK_RATE_HZ, RATE_HZ)
    sound = at_level(resampled, USER_DB)
    end_ms = float(np.flatnonzero(np.abs(sound) > np.abs(sound).max() / 30)[-1] * 1000 / RATE_HZ)
    return sound, (*starts[1:], end_ms)


def _turn(
    name: str,
    row: str,
    whole: bool,
    sound: Sound,
    end_ms: float,
    words: tuple[str, ...],
    ends_ms: tuple[float, ...],
) -> Turn:
    faded = sound.copy()
    fade = int(FADE_MS * RATE_HZ / 1000)
    faded[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    whole_sound = np.concatenate([_room(LEAD_MS), faded, _room(TRAIL_MS)])
    return Turn(name, row, whole, whole_sound, LEAD_MS + end_ms, words, ends_ms)


def _room(length_ms: float) -> Sound:
    samples = int(length_ms * RATE_HZ / 1000)
    hiss: NDArray[np.float64] = np.random.default_rng(samples).normal(size=samples)
    return (hiss * 10 ** (FLOOR_DB / 20)).astype(np.float32)
