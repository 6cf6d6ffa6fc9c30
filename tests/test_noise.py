"""Threshold and gates in rooms that change: streets, crowds, echoes, and one long talker."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.gate import NO_GATE_DB
from bargein.noise import (
    SILENCE_DB,
    UNHEARD,
    Hearing,
    NoiseRules,
    Room,
    Telling,
    Why,
    level_db,
)

WINDOW_S = 0.032
VOICE, NOISE = 0.9, 0.01
Window = tuple[float, float, float]
"""Probability, level, and the bot's level, in dBFS."""


def stretch(
    seconds: float, probability: float, db: float, bot_db: float = SILENCE_DB
) -> list[Window]:
    """The same window, for so long."""
    return [(probability, db, bot_db)] * round(seconds / WINDOW_S)


def talk(seconds: float, db: float, pause_db: float) -> list[Window]:
    """One talker: 1.5 s of voice, 0.3 s of pause, and again."""
    return (stretch(1.5, VOICE, db) + stretch(0.3, NOISE, pause_db)) * round(seconds / 1.8)


def crowd(seconds: float, db: float) -> list[Window]:
    """Voices without a pause whose level moves by 5 dB either way."""
    windows = round(seconds / WINDOW_S)
    return [(VOICE, db + 5 * math.sin(n / 3), SILENCE_DB) for n in range(windows)]


def after(*parts: list[Window], rules: NoiseRules | None = None) -> Room:
    """The room after these windows."""
    room = Room(rules or NoiseRules())
    for part in parts:
        for probability, db, bot_db in part:
            room.threshold(probability, db, bot_db)
    return room


QUIET_ROOM, FAN, STREET = stretch(5, NOISE, -75), stretch(5, NOISE, -50), stretch(5, NOISE, -35)
BURSTS = (stretch(2.5, NOISE, -62) + stretch(0.4, 0.05, -25)) * 4
THRESHOLDS: list[tuple[str, list[list[Window]], float, Why]] = [
    ("at first the room is quiet", [], 0.65, Why.QUIET),
    ("in a quiet room nothing moves", [QUIET_ROOM], 0.65, Why.QUIET),
    ("a fan lowers the threshold", [FAN], 0.46, Why.NOISE),
    ("a street lowers it as far as it goes", [STREET], 0.40, Why.NOISE),
    ("a passing burst does not", [BURSTS], 0.65 - 0.25 * 0.15, Why.NOISE),
    ("two seconds of a sudden noise do not yet", [QUIET_ROOM, STREET[:60]], 0.65, Why.QUIET),
    ("after four seconds it counts", [QUIET_ROOM, STREET[:125]], 0.40, Why.NOISE),
    ("and when it is over, it is over at once", [STREET, QUIET_ROOM[:8]], 0.65, Why.QUIET),
    ("while somebody talks over it, it is remembered", [FAN, talk(1.5, -30, -50)], 0.46, Why.NOISE),
]


@pytest.mark.parametrize(
    ("parts", "threshold", "why"), [pytest.param(*case, id=name) for name, *case in THRESHOLDS]
)
def test_the_threshold_follows_the_noise_floor(
    parts: list[list[Window]], threshold: float, why: Why
) -> None:
    hearing = after(*parts).hearing
    assert hearing.threshold == pytest.approx(threshold, abs=0.01)
    assert (hearing.why, hearing.gate_db) == (why, NO_GATE_DB)


def test_a_whisper_over_a_fan_is_heard_with_a_score_that_was_none_in_a_quiet_room() -> None:
    whisper = (0.5, -42.0)
    assert after(QUIET_ROOM).threshold(*whisper) > whisper[0]
    assert after(FAN).threshold(*whisper) < whisper[0]


def test_a_quiet_talker_is_heard_in_a_quiet_room() -> None:
    assert after(QUIET_ROOM).threshold(VOICE, -68) < VOICE


def test_twenty_seconds_of_talk_deafen_nobody() -> None:
    room = after(QUIET_ROOM)
    thresholds = [room.threshold(*window) for window in talk(20, -30, -72)]
    assert set(thresholds) == {0.65}


def test_a_crowd_is_kept_out_after_some_seconds_and_a_nearer_voice_is_not() -> None:
    room = after(QUIET_ROOM, crowd(8, -50))
    assert room.hearing.why is Why.VOICES
    heard = [room.threshold(*window) < VOICE for window in crowd(4, -50)]
    assert not any(heard)
    assert room.threshold(VOICE, -36) < VOICE


def test_a_talker_over_a_crowd_stays_heard_for_twenty_seconds() -> None:
    room = after(crowd(8, -50))
    heard = [room.threshold(*window) < VOICE for window in talk(20, -34, -50)]
    voiced = sum(window[1] == -34 for window in talk(20, -34, -50))
    assert sum(heard) == voiced


def test_a_crowd_that_leaves_takes_its_gate_along() -> None:
    room = after(crowd(8, -50), stretch(2, NOISE, -70))
    assert room.hearing.gate_db == NO_GATE_DB


BOT_TALKS = stretch(3, VOICE, -45, bot_db=-20)
HEADPHONES = stretch(3, NOISE, -73, bot_db=-20)


def test_the_echo_of_the_bot_is_kept_out_while_it_speaks_and_the_user_is_not() -> None:
    room = after(QUIET_ROOM, BOT_TALKS)
    assert room.hearing.why is Why.ECHO
    assert room.threshold(VOICE, -45, -20) == UNHEARD
    assert room.threshold(VOICE, -30, -20) < VOICE


def test_what_is_known_of_the_echo_holds_for_the_bots_next_words_and_not_between_them() -> None:
    room = after(QUIET_ROOM, BOT_TALKS, stretch(2, NOISE, -75))
    assert room.threshold(VOICE, -45) < VOICE
    assert room.threshold(VOICE, -45, -20) == UNHEARD


def test_with_headphones_there_is_no_gate() -> None:
    assert after(QUIET_ROOM, HEADPHONES).hearing.echo_gate_db == NO_GATE_DB


def test_who_talks_over_the_bot_with_a_headset_raises_no_gate_against_his_own_voice() -> None:
    room = after(QUIET_ROOM)
    for _ in range(6):
        for window in stretch(1, NOISE, -75, bot_db=-20):
            room.threshold(*window, is_echo=False)
        heard = [room.threshold(*w, is_echo=False) for w in talk(5.4, -40, -75)]
        assert max(heard) < VOICE
    said = [(score, db, -20.0) for score, db, _ in talk(10.8, -40, -75)]
    assert max(room.threshold(*window, is_echo=False) for window in said) < VOICE


def test_an_echo_that_is_known_as_one_raises_the_gate() -> None:
    room = after(QUIET_ROOM)
    for window in BOT_TALKS:
        room.threshold(*window, is_echo=True)
    assert room.hearing.why is Why.ECHO


def test_a_client_is_muted_by_the_peaks_of_an_echo_but_seldom_and_the_server_hears_above_them() -> (
    None
):
    room, mutes, words = after(QUIET_ROOM), 0, stretch(0.6, VOICE, -32, bot_db=-20)
    for window in (words + stretch(0.1, VOICE, -21, bot_db=-20)) * 40:
        hearing = room.hearing
        mutes += window[1] >= max(hearing.gate_db, hearing.client_echo_gate_db)
        room.threshold(*window, is_echo=True)
    assert mutes <= 25  # all of them before the echo is known
    assert room.threshold(VOICE, -26, -20, is_echo=False) < VOICE
    assert room.hearing.client_echo_gate_db <= NoiseRules().client_gate_max_db


def test_where_no_window_is_known_as_echo_the_client_has_the_servers_gate() -> None:
    hearing = after(QUIET_ROOM, BOT_TALKS).hearing
    assert hearing.client_echo_gate_db == hearing.echo_gate_db > NO_GATE_DB


def test_no_gate_is_higher_than_a_voice_at_the_microphone() -> None:
    room = after(crowd(8, -20), stretch(3, VOICE, -15, bot_db=-10))
    assert max(room.hearing.gate_db, room.hearing.echo_gate_db) <= NoiseRules().gate_max_db


def test_where_it_is_not_adaptive_nothing_moves_but_the_noise_floor() -> None:
    rules = NoiseRules(adaptive=False)
    hearing = after(STREET, crowd(8, -30), BOT_TALKS, rules=rules).hearing
    assert hearing == Hearing(0.65, noise_floor_db=hearing.noise_floor_db)


def test_a_base_below_the_minimum_stays() -> None:
    assert after(STREET, rules=NoiseRules(probability_threshold=0.3)).hearing.threshold == 0.3


def test_a_noise_floor_that_wavers_changes_nothing() -> None:
    wavering = [(NOISE, -55 + 0.8 * math.sin(n / 40), SILENCE_DB) for n in range(1000)]
    room = after(FAN, wavering[:200])
    settled = room.hearing
    for window in wavering[200:]:
        room.threshold(*window)
    assert room.hearing == settled


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1), st.floats(-90, 0), st.sampled_from([SILENCE_DB, -40.0, -20.0, 0.0])
        ),
        max_size=60,
    )
)
def test_threshold_and_gates_keep_their_bounds(windows: list[Window]) -> None:
    rules = NoiseRules()
    room = after(*[[window] * 10 for window in windows], rules=rules)
    assert rules.threshold_min <= room.hearing.threshold <= rules.probability_threshold
    for gate_db in (room.hearing.gate_db, room.hearing.echo_gate_db):
        assert NO_GATE_DB <= gate_db <= rules.gate_max_db


def test_the_client_is_told_of_changes_and_at_most_once_a_second() -> None:
    quiet, loud = Hearing(0.65), Hearing(0.4, why=Why.NOISE)
    telling = Telling(quiet)
    assert not any(telling.due(quiet) for _ in range(100))
    told = [telling.due([quiet, loud][n % 2]) for n in range(100)]
    assert [n for n, due in enumerate(told) if due] == [1, 34, 67]


def test_a_client_that_missed_a_change_is_told_again_within_ten_seconds() -> None:
    telling = Telling(Hearing(0.65))
    told = [telling.due(Hearing(0.4, why=Why.NOISE)) for _ in range(700)]
    assert [n for n, due in enumerate(told) if due] == [0, 313, 626]


def test_levels_are_in_dbfs_and_silence_has_a_floor() -> None:
    sine = (32_767 * np.sin(np.arange(16_000) * 0.1)).astype("<i2").tobytes()
    assert level_db(sine) == pytest.approx(-3.01, abs=0.02)
    assert level_db(bytes(1024)) == level_db(b"") == SILENCE_DB
