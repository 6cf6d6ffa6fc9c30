"""Puts recordings over a speaking bot, and prints what the verdicts were.

    .venv/bin/python -m bench.verdicts CORPUS_DIR

CORPUS_DIR holds recordings and a manifest.json: a list of objects with id, file, kind, speaker,
text, onset_ms and offset_ms. Backchannels and commands that espeak says come in addition. All
runs in audio time, so the figures do not depend on the machine; only its speed does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from bargein.verdict import VerdictRules
from bench.hearings import Hearing, Outcome, Scene
from bench.recordings import (
    BOT_DB,
    RATE_HZ,
    Recording,
    Sound,
    at_level,
    corpus,
    noise,
    said_by_espeak,
    spoken,
)

REAL = ("sentence", "long", "phrase", "short", "interjection", "command (espeak)")
BOT_TEXT = (
    "Our house blend comes from three farms in the hills of Colombia. The beans are washed and "
    "dried in the sun for two weeks. Then we roast them slowly, every Tuesday and every Friday."
)
BACKGROUND_S = 12
HISS_DB = -70.0
WORDS_DELAY_MS = 300.0
RULES = VerdictRules()


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of conditions."""

    name: str
    noise: str = ""
    snr_db: float = 0.0
    leak_db: float | None = None
    client_has_vad: bool = True
    words: bool = False


QUIET = Setting("quiet")
SETTINGS = (
    QUIET,
    *(
        Setting(f"{kind} {snr_db} dB", kind, snr_db)
        for kind in ("babble", "street", "hum")
        for snr_db in (20, 10, 5, 0)
    ),
    *(Setting(f"echo {leak_db} dB", leak_db=leak_db) for leak_db in (-30, -20, -12)),
    Setting("echo -20 dB, street 10 dB", "street", 10, -20),
    Setting("no client VAD", client_has_vad=False),
    Setting("words after 300 ms", words=True),
    Setting("words, babble 10 dB", "babble", 10, words=True),
)


@cache
def sounds(folder: Path) -> tuple[Recording, ...]:
    """All recordings."""
    return (*corpus(folder), *said_by_espeak())


@cache
def bot() -> Sound:
    """What the bot says, over and over."""
    return at_level(spoken(BOT_TEXT, "en-us+klatt5"), BOT_DB)


def background(setting: Setting, folder: Path) -> Sound:
    """Hiss, and the noise of the setting."""
    samples = BACKGROUND_S * RATE_HZ
    hiss = np.random.default_rng(9).standard_normal(samples).astype(np.float32)
    hiss *= np.float32(10 ** (HISS_DB / 20))
    if not setting.noise:
        return hiss
    talkers = [each for each in sounds(folder) if each.kind in ("sentence", "long")]
    made = noise(setting.noise, samples, 5, talkers)
    mixed: Sound = hiss + made * np.float32(10 ** (-setting.snr_db / 20))
    return mixed


def run(setting: Setting, folder: Path, rules: VerdictRules, every: int = 1) -> list[Outcome]:
    """Put each recording, or each so many-th, into the setting."""
    scene = Scene(
        bot=bot(),
        background=background(setting, folder),
        leak_db=setting.leak_db,
        client_has_vad=setting.client_has_vad,
        words_delay_ms=WORDS_DELAY_MS if setting.words else None,
        rules=replace(rules, trust_words=setting.words),
    )
    outcomes = [Hearing(each, scene).run() for each in sounds(folder)[::every]]
    # Sounds are large, and the table needs none.
    nothing = np.zeros(0, dtype=np.float32)
    for each in outcomes:
        each.recording = replace(each.recording, sound=nothing)
    return outcomes


def row(setting: Setting, kind: str, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """One line of the table."""
    own = [each.own for each in outcomes]
    accepted = [each.accepted for each in outcomes]
    times = [c[-1].until_ms - c[-1].from_ms for c in own if c]
    reasons = [c.reason for contests in own for c in contests if c.reason]
    early = sum(len(each.contests) - len(o) for each, o in zip(outcomes, own, strict=True))
    return {
        "setting": setting.name,
        "kind": kind,
        "n": len(outcomes),
        "accepted": sum(accepted),
        "contested": sum(bool(c) for c in own),
        "verdict_p50_ms": _quantile(times, 50),
        "verdict_p90_ms": _quantile(times, 90),
        "reasons": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "early_contests": early,
        "early_accepts": sum(each.early_accepts for each in outcomes),
    }


def onset_row(setting: Setting, outcomes: Iterable[Outcome]) -> dict[str, object]:
    """From the labelled onset to the mute, over what a user says."""
    real = [each for each in outcomes if each.recording.kind in REAL]
    mutes = [min((c.from_ms for c in each.own), default=float("nan")) for each in real]
    steady = [each.steady_ms for each in real if each.steady_ms is not None]
    heard = [ms for ms in mutes if not np.isnan(ms)]
    return {
        "setting": setting.name,
        "n": len(real),
        "muted": len(heard),
        "mute_p50_ms": _quantile(heard, 50),
        "mute_p90_ms": _quantile(heard, 90),
        "six_windows": len(steady),
        "six_windows_p50_ms": _quantile(steady, 50),
        "six_windows_p90_ms": _quantile(steady, 90),
    }


def _quantile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if len(values) else None


def table(setting: Setting, outcomes: list[Outcome]) -> list[dict[str, object]]:
    """A line for each kind, and for the tuned and the held-out half of the speech."""
    kinds = dict.fromkeys(each.recording.kind for each in outcomes)
    rows = [row(setting, k, [o for o in outcomes if o.recording.kind == k]) for k in kinds]
    for name, held_out in (("real, tuned on", False), ("real, held out", True)):
        half = [o for o in outcomes if o.recording.kind in REAL]
        half = [o for o in half if o.recording.held_out is held_out]
        rows.append(row(setting, name, half))
    return rows


def main() -> None:
    """Read the arguments, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="CORPUS_DIR")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="settings whose names hold this")
    parser.add_argument("--every", type=int, default=1, help="take each so many-th recording")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--speech-ms", type=int, default=RULES.min_speech_duration_ms)
    parser.add_argument("--quiet-ms", type=int, default=RULES.quiet_ms)
    parser.add_argument("--deadline-ms", type=int, default=RULES.deadline_ms)
    parser.add_argument("--backchannel-ms", type=int, default=RULES.backchannel_ms)
    arguments = parser.parse_args()
    rules = VerdictRules(
        min_speech_duration_ms=arguments.speech_ms,
        quiet_ms=arguments.quiet_ms,
        deadline_ms=arguments.deadline_ms,
        backchannel_ms=arguments.backchannel_ms,
    )
    chosen = [each for each in SETTINGS if arguments.only in each.name]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        work = partial(run, folder=arguments.folder, rules=rules, every=arguments.every)
        results = list(zip(chosen, pool.map(work, chosen), strict=True))
    rows = [each for setting, outcomes in results for each in table(setting, outcomes)]
    onsets = [onset_row(setting, outcomes) for setting, outcomes in results]
    if arguments.json:
        print(json.dumps({"verdicts": rows, "onsets": onsets}, indent=1))
        return
    show(rows, onsets)


def show(rows: list[dict[str, object]], onsets: list[dict[str, object]]) -> None:
    """Print both tables."""
    print(f"{'setting':26}{'kind':18}{'n':>4}{'acc %':>7}{'p50 ms':>8}{'p90 ms':>8}  rejected as")
    for each in rows:
        share = 100 * int(str(each["accepted"])) / max(1, int(str(each["n"])))
        print(
            f"{each['setting']!s:26}{each['kind']!s:18}{each['n']!s:>4}{share:7.1f}"
            f"{each['verdict_p50_ms']!s:>8}{each['verdict_p90_ms']!s:>8}  {each['reasons']}"
            f" before it {each['early_contests']} contests, {each['early_accepts']} accepted"
        )
    print()
    print(f"{'onset to mute, ms':26}{'n':>4}{'muted':>7}{'p50':>8}{'p90':>8}   6 windows at 0.7")
    for each in onsets:
        print(
            f"{each['setting']!s:26}{each['n']!s:>4}{each['muted']!s:>7}{each['mute_p50_ms']!s:>8}"
            f"{each['mute_p90_ms']!s:>8}   {each['six_windows']} heard, "
            f"{each['six_windows_p50_ms']} / {each['six_windows_p90_ms']}"
        )


if __name__ == "__main__":
    main()
