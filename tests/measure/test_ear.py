"""A sound that meets the bot: when it fell silent, what was lost, and what the context says."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.measure.ear import Tape, Utterance, met
from bargein.measure.encounter import Encounter, SoundKind, word_error
from bargein.measure.playback import Samples
from bargein.measure.request import Sound
from bargein.truncation import Word

RATE_HZ = 24_000
VOICE = np.random.default_rng(1).integers(-9000, 9000, 2 * RATE_HZ).astype(np.int16)
SILENCE = np.zeros(RATE_HZ // 2, dtype=np.int16)
WORDS = [Word(str(n), n * RATE_HZ // 4, (n + 1) * RATE_HZ // 4) for n in range(8)]
ONSET_MS = 300.0


def meeting(*heard: Samples, stopped: bool = True, taken: bool, context: str = "") -> Encounter:
    tape = Tape(RATE_HZ)
    at = 0
    for piece in heard:
        tape.add(piece, at * 1000 / RATE_HZ)
        at += len(piece)
    return met(
        Sound("a word", SoundKind.SPEECH, "a word", "", 200),
        ONSET_MS,
        said=Utterance(VOICE, WORDS),
        tape=tape,
        stopped=stopped,
        taken=taken,
        context=context,
    )


def test_a_false_alarm_has_a_begin_and_an_end() -> None:
    seen = meeting(VOICE[:9600], SILENCE, VOICE[9600:], taken=False)
    assert (seen.silent_ms, seen.audible_ms) == (400, 900)
    assert (seen.lost_samples, seen.repeated_samples) == (0, 0)


def test_what_is_skipped_is_lost() -> None:
    assert meeting(VOICE[:9600], SILENCE, VOICE[14_400:], taken=False).lost_samples == 4800


def test_a_barge_in_ends_the_voice() -> None:
    seen = meeting(VOICE[:9600], SILENCE, taken=True)
    assert (seen.silent_ms, seen.audible_ms, seen.lost_samples) == (400, None, None)


def test_a_short_gap_is_no_end_of_the_voice() -> None:
    seen = meeting(VOICE[:7200], SILENCE[:1200], VOICE[7200:9600], SILENCE, taken=True)
    assert seen.silent_ms == 450


def test_a_busy_machine_does_not_stop_the_bot() -> None:
    seen = meeting(VOICE[:9600], SILENCE, VOICE[9600:], stopped=False, taken=False)
    assert (seen.silent_ms, seen.audible_ms) == (None, None)


def test_nobody_hears_when_a_voice_was_stopped_that_was_silent() -> None:
    breathing = VOICE.copy()
    breathing[9600:12_000] = 0
    tape = Tape(RATE_HZ)
    tape.add(breathing[:9600], 0)
    tape.add(SILENCE, 400)
    sound = Sound("a word", SoundKind.SPEECH, "", "", 200)
    said = Utterance(breathing, [])
    seen = met(sound, 300, said=said, tape=tape, stopped=True, taken=True, context=None)
    assert seen.silent_ms is None


@pytest.mark.parametrize(
    ("samples", "context", "error"),
    [
        (18_000, "0 1 2", 0),
        (18_000, "0 1 2 3", 1),
        (18_000, "0 1", 1),
        (15_001, "0 1 2", 0),
        (15_000, "0 1 2", 1),
        (18_000, "", 3),
    ],
    ids=["true", "too much", "too little", "more than half", "half", "nothing"],
)
def test_the_context_is_held_against_the_tape(samples: int, context: str, error: int) -> None:
    seen = meeting(VOICE[:samples], SILENCE, taken=True, context=context)
    assert seen.context_word_error == error


@pytest.mark.parametrize(
    ("context", "played", "error"),
    [("", "", 0), ("a b c", "a b c", 0), ("a c", "a b c", 1), ("a x c", "a b c", 1), ("a", "", 1)],
)
def test_words_are_added_dropped_or_changed(context: str, played: str, error: int) -> None:
    assert word_error(context, played) == error
    assert word_error(played, context) == error
