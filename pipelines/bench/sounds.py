"""What meets the bot: synthesized by default, or recordings of a corpus; written as WAV files."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bargein.errors import ConfigError
from bargein.measure.encounter import SoundKind
from bargein.measure.mouth import RATE_HZ, write_wav
from bargein.measure.playback import Samples
from bargein.measure.request import Meeting, Sound
from bargein.rehearsal.levels import to_pcm
from bargein.rehearsal.scenario import Act
from bargein.transports.rehearsal.voices import sound_of

SENTENCES = ("Wait, I have a question about that.", "Stop. That is not what I want.")
"""Where the configuration gives no examples of what a user may say."""
MOST_SENTENCES = 4
VOICES = (("en-us+klatt4", 40), ("en-us+klatt3", 60))
"""Users' voices, and their pitch; neither is the bot's."""
MURMURS = ("mm hmm", "uh huh", "yeah")
HUMS = ("mmmmmmmmmmmm",)
"""A voice without words, longer than most systems wait before they stop."""
FIRST_MS, LAST_MS = 1000.0, 3500.0
"""A sound comes so long after the bot began."""
WINDOW_SAMPLES = 512
WITHOUT_WORDS_TOO = ("nonspeech", "noise", "music", "cough")
CORPUS_KINDS = {
    "sentence": SoundKind.SPEECH,
    "short": SoundKind.SPEECH,
    "phrase": SoundKind.SPEECH,
    "long": SoundKind.SPEECH,
    **dict.fromkeys(WITHOUT_WORDS_TOO, SoundKind.NOISE),
}
MURMUR_WORDS = frozenset(
    ("mm", "hm", "hmm", "mhm", "uh", "huh", "yeah", "yes", "okay", "ok", "right", "aha")
)
LONGEST_S = 4.0


def synthesized(kinds: frozenset[SoundKind], examples: Sequence[str], folder: Path) -> list[Sound]:
    """Write sentences, murmurs and noises into the folder, of the kinds that are wanted."""
    said = [text for text in examples if " " in text][:MOST_SENTENCES] or list(SENTENCES)
    acts: list[tuple[SoundKind, Act]] = []
    for index, text in enumerate(said):
        voice, pitch = VOICES[index % len(VOICES)]
        spoken = Act(say=text, voice=voice, pitch=pitch, at_ms=0)
        acts.append((SoundKind.SPEECH, spoken))
    acts += [(SoundKind.BACKCHANNEL, Act(say=text, at_ms=0)) for text in MURMURS]
    acts += [(SoundKind.NOISE, Act(say=text, words_per_minute=80, at_ms=0)) for text in HUMS]
    for noise in ("cough", "door", "click", "murmur"):
        acts.append((SoundKind.NOISE, Act.model_validate({"noise": noise, "at_ms": 0})))
    sounds = []
    for number, (kind, act) in enumerate(acts):
        if kind not in kinds:
            continue
        pcm = np.frombuffer(to_pcm(sound_of(act, folder, number)), dtype="<i2")
        sounds.append(_written(act.about, kind, act.say or "", pcm, folder))
    return sounds


def recorded(
    corpus: Path, kinds: frozenset[SoundKind], most: int, folder: Path, rng: random.Random
) -> list[Sound]:
    """Take so many recordings of each kind, with their labelled onsets; ConfigError says why not.

    The corpus has a `manifest.json`: a list of objects with id, file, kind, text, onset_ms and
    offset_ms. Kinds that are not known are left out.
    """
    by_kind: dict[SoundKind, list[dict[str, Any]]] = defaultdict(list)
    for entry in _manifest(corpus):
        kind = _kind_of(entry)
        if kind is not None and kind in kinds:
            by_kind[kind].append(entry)
    sounds = []
    for kind, entries in sorted(by_kind.items()):
        for entry in rng.sample(entries, min(most, len(entries))):
            pcm = _cut(_decoded(corpus / entry["file"]), entry)
            sounds.append(_written(entry["id"], kind, str(entry.get("text") or ""), pcm, folder))
    return sounds


def meetings(sounds: Sequence[Sound], rounds: int, rng: random.Random) -> tuple[Meeting, ...]:
    """Let each sound meet the bot so often, in any order, at any moment of a window."""
    drawn = [
        Meeting(sound, rng.uniform(FIRST_MS, LAST_MS), rng.randrange(WINDOW_SAMPLES))
        for _ in range(rounds)
        for sound in range(len(sounds))
    ]
    rng.shuffle(drawn)
    return tuple(drawn)


def _written(name: str, kind: SoundKind, text: str, pcm: Samples, folder: Path) -> Sound:
    file = folder / f"{len(list(folder.glob('*.wav')))}.wav"
    write_wav(file, pcm)
    # A noise in a corpus may have a label in place of a text: no recogniser hears that.
    words = "" if kind is SoundKind.NOISE else text
    return Sound(name, kind, words, str(file), len(pcm) * 1000 / RATE_HZ)


def _manifest(corpus: Path) -> Iterator[dict[str, Any]]:
    try:
        entries = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"--corpus: {corpus / 'manifest.json'} can't be read: {error}"
        raise ConfigError(message) from error
    yield from entries


def _kind_of(entry: dict[str, Any]) -> SoundKind | None:
    words = str(entry.get("text") or "").lower().replace("-", " ").split()
    if words and all(word.strip(",.!?") in MURMUR_WORDS for word in words):
        return SoundKind.BACKCHANNEL
    kind = str(entry.get("kind"))
    found = next((CORPUS_KINDS[each] for each in CORPUS_KINDS if kind.startswith(each)), None)
    return None if found is SoundKind.SPEECH and not words else found


def _decoded(file: Path) -> Samples:
    try:
        soundfile = import_module("soundfile")
    except ModuleNotFoundError as error:
        raise ConfigError("--corpus needs a decoder: pip install soundfile") from error
    samples, rate_hz = soundfile.read(file, dtype="int16", always_2d=True)
    if rate_hz != RATE_HZ:
        raise ConfigError(f"{file} has {rate_hz} Hz. Write recordings of 16 kHz.")
    mono: Samples = samples[:, 0]
    return mono


def _cut(samples: Samples, entry: dict[str, Any]) -> Samples:
    """From the labelled onset to the labelled offset, at most 4 s; all of it without labels."""
    begin = round(float(entry.get("onset_ms") or 0) * RATE_HZ / 1000)
    offset_ms = entry.get("offset_ms")
    end = round(float(offset_ms) * RATE_HZ / 1000) if offset_ms else len(samples)
    return samples[begin : min(end, begin + round(LONGEST_S * RATE_HZ))]
