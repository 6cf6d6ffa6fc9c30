"""What a moving threshold hears in noise that a fixed one does not, and the other way round.

    .venv/bin/python -m bench.noise CORPUS_DIR

CORPUS_DIR holds recordings of 16 kHz as FLAC and `manifest.json`, a list with `file`, `kind`,
`onset_ms` and `offset_ms`. 40 short things that people say are mixed into each noise after 8 s
of noise alone. *Heard*: at least 5 windows of it (160 ms) were speech. *False*: onsets a minute
in 32 s of noise alone, those of single windows (a client mutes) and those of 150 ms (a turn),
and the share of that time that counts as speech.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from bargein.noise import NoiseRules, Room, level_db
from bargein.processors.silero_engines import model
from bargein.protocol import WINDOW_SAMPLES
from bargein.silero_model import forgotten
from bargein.voice_activity import WINDOW_MS, Change, VoiceActivity, VoiceRules
from bench.rooms import RATE_HZ, Floats, Rooms, at_db, spoken_at_db

LEAD_S, ALONE_S = 8, 40
SPOKEN_DB, WHISPER_DB = -26.0, -40.0
SNRS_DB = (20, 10, 5, 0)
CLIPS, BATCH = 40, 32
HEARD_WINDOWS = 5
RULES = (NoiseRules(adaptive=False), NoiseRules())


@dataclass(frozen=True)
class Scene:
    """A stretch of audio; the windows in which somebody speaks, none where it is noise alone."""

    row: str
    snr: str
    audio: Floats
    spoken: range | None = None


@dataclass(frozen=True)
class Scored:
    """The windows of a scene."""

    scene: Scene
    probabilities: list[float]
    levels_db: list[float]


@dataclass(frozen=True)
class Outcome:
    """What one rule made of a scene."""

    speech: list[bool]
    onsets: int
    turns: int


def scenes(corpus: Path) -> Iterator[Scene]:
    """Everything to be heard."""
    entries = json.loads((corpus / "manifest.json").read_text())
    read = {e["id"]: np.asarray(soundfile.read(corpus / e["file"])[0]) for e in entries}
    long = [read[e["id"]] for e in entries if e["kind"] in ("sentence", "long")]
    rooms = Rooms(long)
    short = [e for e in entries if e["kind"] in ("short", "phrase", "interjection")]
    chosen = [short[i] for i in np.random.default_rng(3).permutation(len(short))[:CLIPS]]
    for name, make in rooms.kinds.items():
        for snr_db in SNRS_DB:
            yield Scene(name, f"{snr_db} dB", at_db(make(ALONE_S * RATE_HZ), SPOKEN_DB - snr_db))
            for entry in chosen:
                said = spoken_at_db(read[entry["id"]], SPOKEN_DB)
                yield mixed(name, f"{snr_db} dB", entry, said, make, SPOKEN_DB - snr_db)
    for snr_db in (15, 10, 5):
        for entry in chosen:
            said = spoken_at_db(rooms.whispered(read[entry["id"]]), WHISPER_DB)
            noise_db = WHISPER_DB - snr_db
            yield mixed("whisper over a fan", f"{snr_db} dB", entry, said, rooms.fan, noise_db)
    for talk in (e for e in entries if e["kind"] == "long"):
        said = spoken_at_db(read[talk["id"]], SPOKEN_DB)
        for name, db in (("20 to 45 s of talk, quiet", -80.0), ("the same, fan", -41.0)):
            audio = said + at_db(rooms.fan(len(said)), db)
            yield Scene(name, "", audio, range(len(audio) // WINDOW_SAMPLES))


def mixed(
    name: str, snr: str, entry: dict[str, float], said: Floats, make: object, db: float
) -> Scene:
    """Somebody says something in a noise."""
    assert callable(make)
    lead = LEAD_S * RATE_HZ
    audio = at_db(make(lead + len(said) + RATE_HZ), db)
    audio[lead : lead + len(said)] += said
    first = int((LEAD_S * 1000 + entry["onset_ms"]) // WINDOW_MS)
    end = int((LEAD_S * 1000 + entry["offset_ms"]) // WINDOW_MS) + 2
    return Scene(name, snr, audio, range(first, end))


def scored(heard: Iterable[Scene]) -> Iterator[Scored]:
    """Score all windows with the server's model, many scenes at once."""
    ordered = sorted(heard, key=lambda scene: len(scene.audio))
    for at in range(0, len(ordered), BATCH):
        yield from _scored_together(ordered[at : at + BATCH])


def _scored_together(batch: Sequence[Scene]) -> Iterator[Scored]:
    most = max(len(scene.audio) for scene in batch) // WINDOW_SAMPLES * WINDOW_SAMPLES
    pcm = np.zeros((len(batch), most), np.int16)
    for row, scene in zip(pcm, batch, strict=True):
        whole = np.round(np.clip(scene.audio[:most], -1, 1) * 32_767)
        row[: len(whole)] = whole
    memories = np.stack([forgotten() for _ in batch])
    columns = []
    for first in range(0, most, WINDOW_SAMPLES):
        windows = pcm[:, first : first + WINDOW_SAMPLES].tobytes()
        probabilities, memories = model().score(windows, memories)
        columns.append(probabilities)
    for i, scene in enumerate(batch):
        count = len(scene.audio) // WINDOW_SAMPLES
        cut = pcm[i, : count * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
        levels = [level_db(window.tobytes()) for window in cut]
        yield Scored(scene, [float(column[i]) for column in columns[:count]], levels)


def outcome(heard: Scored, rules: NoiseRules) -> Outcome:
    """What the server's VAD makes of it; onsets count after the lead."""
    room, voice = Room(rules), VoiceActivity(VoiceRules())
    speech, onsets, turns = [], 0, 0
    for n, (p, db) in enumerate(zip(heard.probabilities, heard.levels_db, strict=True)):
        threshold = room.threshold(p, db)
        before = voice.speech_ms
        change = voice.window(p, threshold)
        if n * WINDOW_MS >= LEAD_S * 1000:
            onsets += before == 0 and voice.speech_ms > 0
            turns += change is Change.STARTED
        speech.append(voice.speech_ms > before)
    return Outcome(speech, onsets, turns)


def main() -> None:
    """Print a table: each figure for a fixed threshold, then for one that moves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    table: dict[tuple[str, str], list[list[float]]] = {}
    for heard in scored(scenes(parser.parse_args().corpus)):
        row = table.setdefault((heard.scene.row, heard.scene.snr), [[0.0] * 5 for _ in RULES])
        for sums, rules in zip(row, RULES, strict=True):
            add(sums, heard, outcome(heard, rules))
    sys.stdout.write("| room | SNR | heard | false onsets a min | false turns a min | speech |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for (name, snr), row in sorted(table.items(), key=lambda item: order(*item[0])):
        cells = [" → ".join(f"{sums[i]:.0f}" for sums in row) for i in (2, 3, 4)]
        share = " → ".join(f"{100 * s[0] / s[1]:.0f} %" if s[1] else "–" for s in row)
        sys.stdout.write(f"| {name} | {snr} | {share} | {cells[0]} | {cells[1]} | {cells[2]} % |\n")


def order(name: str, snr: str) -> tuple[int, int]:
    """Rows in the order of `scenes`, quietest noise first."""
    names = [*Rooms([]).kinds, "whisper over a fan", "20 to 45 s of talk, quiet", "the same, fan"]
    return names.index(name), -int(snr.split()[0]) if snr else 0


def add(sums: list[float], heard: Scored, made: Outcome) -> None:
    """Add a scene to its row: heard, of so many, and what was false."""
    spoken = heard.scene.spoken
    if spoken is None:
        minutes = (ALONE_S - LEAD_S) / 60
        alone = made.speech[LEAD_S * 1000 // WINDOW_MS :]
        sums[2:] = [made.onsets / minutes, made.turns / minutes, 100 * float(np.mean(alone))]
    elif heard.scene.snr:
        sums[0] += sum(made.speech[spoken.start : spoken.stop]) >= HEARD_WINDOWS
        sums[1] += 1
    else:
        fixed = [p >= RULES[0].probability_threshold for p in heard.probabilities]
        sums[0] += sum(a and b for a, b in zip(made.speech, fixed, strict=True))
        sums[1] += sum(fixed)


if __name__ == "__main__":
    main()
