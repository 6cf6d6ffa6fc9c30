"""From probabilities to speech that started and stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.voice_activity import WINDOW_MS, Change, Refresh, VoiceActivity, VoiceRules

HIGH, BAND, LOW = 0.9, 0.55, 0.1
RULES = VoiceRules(probability_threshold=0.65, min_speech_duration_ms=150, pause_ms=200)
ONSET = [HIGH] * 5
"""160 ms."""


def changes(probabilities: list[float], rules: VoiceRules = RULES) -> list[tuple[int, str]]:
    """The changes, each with the number of the window that brought it."""
    voice = VoiceActivity(rules)
    found = ((number, voice.window(p)) for number, p in enumerate(probabilities, 1))
    return [(number, change.value) for number, change in found if change]


CASES: list[tuple[str, list[float], list[tuple[int, str]]]] = [
    ("speech starts when there was enough of it", [HIGH] * 9, [(5, "started")]),
    ("a click is no speech", [HIGH] * 2 + [LOW] * 9, []),
    ("two low windows do not void an onset", [HIGH] * 3 + [LOW] * 2 + [HIGH] * 2, [(7, "started")]),
    ("three do", [HIGH] * 3 + [LOW] * 3 + [HIGH] * 4, []),
    ("speech stops after the pause", [*ONSET, *[LOW] * 7], [(5, "started"), (12, "stopped")]),
    ("a shorter pause is none", [*ONSET, *[LOW] * 6, HIGH, *[LOW] * 6], [(5, "started")]),
    ("between the thresholds nothing changes", [*ONSET, *[BAND] * 99], [(5, "started")]),
    ("nor does an onset wait there for ever", [*[HIGH] * 4, *[BAND] * 7, HIGH], []),
    ("silence is only silence", [LOW] * 99, []),
    (
        "what is no number is silence",
        [*ONSET, *[float("nan")] * 7],
        [(5, "started"), (12, "stopped")],
    ),
]


@pytest.mark.parametrize(
    ("probabilities", "expected"), [pytest.param(*case, id=name) for name, *case in CASES]
)
def test_what_windows_change(probabilities: list[float], expected: list[tuple[int, str]]) -> None:
    assert changes(probabilities) == expected


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.15, 0.3, 0.65, 0.99])
def test_speech_stops_in_silence_at_any_threshold(threshold: float) -> None:
    rules = VoiceRules(probability_threshold=threshold)
    assert 0 < rules.silence_below(threshold) < threshold
    assert changes([1.0] * 5 + [0.01] * 7, rules) == [(5, "started"), (11, "stopped")]


def test_the_run_of_speech_and_the_silence_since_are_counted() -> None:
    voice = VoiceActivity(RULES)
    for probability in [HIGH, HIGH, LOW, HIGH, BAND]:
        voice.window(probability)
    assert (voice.speech_ms, voice.silence_ms, voice.since_onset_ms) == (96, 32, 160)


PAUSES: list[tuple[str, list[float], int | None]] = [
    ("before anybody spoke there is none", [LOW] * 9, None),
    ("a click is not somebody who spoke", [HIGH] * 2 + [LOW] * 9, None),
    ("within speech it is 0", ONSET, 0),
    ("it begins with the first window that is not speech", [*ONSET, BAND, LOW], 64),
    ("and goes on when the speech has stopped", [*ONSET, *[LOW] * 20], 640),
    ("a sound that may be speech ends it", [*ONSET, *[LOW] * 20, HIGH], 0),
    ("but not if it was a click", [*ONSET, *[LOW] * 20, HIGH, *[LOW] * 3], 768),
    ("speech begins it anew", [*ONSET, *[LOW] * 20, *ONSET, LOW], 32),
    ("long after the speech nobody speaks", [*ONSET, *[LOW] * 313], None),
]


@pytest.mark.parametrize(
    ("probabilities", "expected_ms"), [pytest.param(*case, id=name) for name, *case in PAUSES]
)
def test_how_long_the_pause_is(probabilities: list[float], expected_ms: int | None) -> None:
    voice = VoiceActivity(RULES)
    for probability in probabilities:
        voice.window(probability)
    assert voice.pause_so_far_ms == expected_ms


def test_after_a_wire_that_fell_silent_nobody_knows_the_pause() -> None:
    voice = VoiceActivity(RULES)
    for probability in [*ONSET, LOW]:
        voice.window(probability)
    voice.silent_wire()
    voice.window(LOW)
    assert voice.pause_so_far_ms is None


def test_a_wire_that_falls_silent_ends_speech_once() -> None:
    voice = VoiceActivity(RULES)
    for probability in ONSET:
        voice.window(probability)
    assert voice.silent_wire() is Change.STOPPED
    assert voice.silent_wire() is None
    assert voice.speech_ms == 0


@given(st.lists(st.sampled_from([HIGH, BAND, LOW]), max_size=120))
def test_starts_and_stops_take_turns_and_no_onset_is_older_than_its_speech_and_pauses(
    probabilities: list[float],
) -> None:
    kinds = [kind for _, kind in changes(probabilities)]
    assert kinds == [("started", "stopped")[n % 2] for n in range(len(kinds))]
    voice = VoiceActivity(RULES)
    for probability in probabilities:
        change = voice.window(probability)
        assert voice.since_onset_ms >= voice.speech_ms
        if change is Change.STARTED:
            most = (voice.speech_ms // WINDOW_MS) * (RULES.pause_ms + WINDOW_MS)
            assert voice.since_onset_ms <= most


def test_the_model_forgets_every_two_seconds_of_clear_silence_and_never_in_speech() -> None:
    refresh = Refresh()
    quiet = [refresh.due(0.01, speaking=False) for _ in range(130)]
    assert [n for n, due in enumerate(quiet) if due] == [62, 125]
    assert not any(refresh.due(0.01, speaking=True) for _ in range(130))
    assert not any(refresh.due(0.5, speaking=False) for _ in range(130))
    soft = [refresh.due(0.01, speaking=False) for _ in range(5)]
    assert soft == [False, False, False, False, True]
