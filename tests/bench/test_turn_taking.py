"""What the bench of turn-taking makes of a tape, and of what the LLM was asked."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from bench.turn_taking.caller import PLAYED_SAMPLES, STEP_MS, Tape, Turned
from bench.turn_taking.plot import PANEL_HEIGHT, PANEL_WIDTH, drawn
from bench.turn_taking.script import TURNS, reply, stretches
from bench.turn_taking.table import Measured, read, sensitivity, table
from bench.turn_taking.turns import Asked, Heard, Line, lines, voiced

from tests.vendors.voice import RATE_HZ, number_in, tone

SAID = [Turned(0, 1000, 2000), Turned(1, 6000, 8000)]
TEXTS = ["Two teas, please.", "Yes."]


def tape(*voices: tuple[int, float, float]) -> Tape:
    """A tape of 12 s with these replies: number, from and until in ms."""
    sound = bytearray(2 * RATE_HZ * 12)
    for number, from_ms, until_ms in voices:
        first, last = (round(ms * RATE_HZ / 1000) for ms in (from_ms, until_ms))
        sound[2 * first : 2 * last] = tone(number, 0, last - first)
    size = 2 * PLAYED_SAMPLES
    steps = [bytes(sound[at : at + size]) for at in range(0, len(sound), size)]
    return Tape(steps, [float(STEP_MS * i) for i in range(len(steps))])


def judged(heard: Tape, *asked: tuple[int, float, str]) -> list[Line]:
    """The lines of a conversation whose LLM was asked this: number, ms, text."""
    requests = [Asked(number, at, text, 10, 20, False) for number, at, text in asked]
    return lines(Heard("row", SAID, TEXTS, ["a", "b"], voiced(heard), requests, [(2100, 90)]), 5)


def test_latency_is_from_the_end_of_speech_to_the_first_sound_of_the_answer() -> None:
    first, second = judged(
        tape((1, 2300, 4000), (2, 8450, 9000)),
        (1, 1900, "two teas please"),
        (2, 8100, "Two teas, please. Yes."),
    )
    assert (first.turn, first.latency_ms, second.turn, second.latency_ms) == (5, 300, 6, 450)
    assert not first.cut_in
    assert (first.wrong_replies, second.wrong_replies) == (0, 0)
    assert (first.requests, first.tts_chars, second.tts_chars) == (1, 90, 0)


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "cut_in"),
    [
        pytest.param(1500, 1800, True, id="in the turn"),
        pytest.param(1900, 2500, True, id="over its end"),
        pytest.param(2001, 2500, False, id="behind it"),
        pytest.param(400, 900, False, id="before it"),
    ],
)
def test_the_bots_voice_within_a_turn_is_a_cut_in(
    from_ms: float, until_ms: float, cut_in: bool
) -> None:
    first, _ = judged(tape((1, from_ms, until_ms)), (1, 300, "two teas please"))
    assert first.cut_in is cut_in


def test_a_reply_to_half_the_words_is_wrong_only_if_it_is_heard() -> None:
    asked = [(1, 1500, "two teas"), (2, 1900, "two teas please")]
    (right, _), (wrong, _) = (judged(tape((number, 2300, 3000)), *asked) for number in (2, 1))
    assert (right.requests, right.wrong_replies) == (2, 0)
    assert (wrong.requests, wrong.wrong_replies) == (2, 1)


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        pytest.param("Hello. Two teas, please!", 0, id="all words, last"),
        pytest.param("two teas The user interrupted you. please", 0, id="around a note"),
        pytest.param("two teas please hello", 1, id="others behind them"),
        pytest.param("two peas please", 1, id="another word"),
        pytest.param("teas please", 1, id="one is missing"),
    ],
)
def test_a_reply_is_right_if_the_llm_was_told_all_words_of_the_turn(asked: str, wrong: int) -> None:
    first, _ = judged(tape((1, 2300, 3000)), (1, 1900, asked))
    assert first.wrong_replies == wrong


def test_without_a_sound_there_is_no_latency() -> None:
    first, _ = judged(tape())
    assert first.latency_ms is None


def test_the_script_has_turns_of_every_length_with_pauses_in_them() -> None:
    said = [list(stretches(turn)) for turn in TURNS]
    lengths = [sum(len(each.text.split()) for each in turn) for turn in said]
    words = sum(lengths)
    mended = sum(bool(first) for turn in said for each in turn for first in each.first)
    assert len(said) >= 40
    assert (min(lengths), max(lengths)) == (1, 18)
    assert sum(len(turn) > 1 for turn in said) >= 12
    assert 0.04 < mended / words < 0.08


def test_a_word_may_be_misheard_at_first() -> None:
    (stretch,) = stretches("Is it fair~fare?")
    assert (stretch.text, stretch.first) == ("Is it fair?", ("", "", "fare"))


def test_each_reply_names_its_number_first() -> None:
    for number in range(1, 20):
        assert number_in(reply(number)) == number
        assert number_in(" ".join(reply(number).split()[:2])) == number


def measured(row: str, *latencies_ms: float | None) -> Measured:
    """A row with these answers."""
    turns = [
        Line(row, n, "Yes.", 1, "a", 300, ms, ms is None, 0, 2, 10, 20, 30)
        for n, ms in enumerate(latencies_ms)
    ]
    return Measured(row, "espeak", 7, tuple(turns), 3, 2, 100)


def test_the_table_tells_the_middle_and_the_tail_and_who_was_never_answered() -> None:
    (line,) = table([measured("stock", 500, 300, 400, None)])[2:]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:6] == ["stock", "3 of 4", "400", "500", "1", "0"]
    assert cells[6:9] == ["2.0", "20", "30"]


def test_a_bot_that_was_not_measured_leaves_its_column_empty() -> None:
    late = [measured("ours-token-400", 300), measured("speculating-token-400", 200)]
    *_, row = sensitivity(late)
    assert row == "| token-400 |  | 300 / 300 | 200 / 200 |"
    assert sensitivity([]) == []


def test_what_is_measured_again_counts_with_its_last(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    rows = [measured("stock", 500), measured("ours", 200), measured("stock", 450)]
    file.write_text("".join(json.dumps(asdict(each)) + "\n" for each in rows))
    assert sorted(read(file), key=lambda each: each.row) == [rows[1], rows[2]]


def test_a_curve_ends_at_the_share_that_was_answered() -> None:
    picture = drawn([measured("stock", 450, None)])
    curve = re.search(r'curve stock" points="([^"]*)"', picture)
    assert curve
    assert curve[1].split()[-1] == f"{PANEL_WIDTH},{PANEL_HEIGHT / 2}"
