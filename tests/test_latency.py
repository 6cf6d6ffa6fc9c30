"""What each stage added to an answer's way, and that it is never more or less than the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.latency import STEP_MS, Latency, Stage, latency

T, E, K, C, B, S, P, H = Stage
"""In their order: transcript, endpoint, token, clause, byte, sent, playout, heard."""


@pytest.mark.parametrize(
    ("reached", "added"),
    [
        # One after the other.
        (
            {T: 300, E: 320, K: 720, C: 900, B: 1100, S: 1105, P: 1150, H: 1190},
            {T: 300, E: 20, K: 400, C: 180, B: 200, S: 5, P: 45, H: 40},
        ),
        # The reply lay ready when the turn was over: it adds nothing, its release does.
        (
            {T: 300, E: 310, K: -90, C: 20, B: 210, S: 312, P: 350, H: 350},
            {T: 300, E: 10, K: 0, C: 0, B: 0, S: 2, P: 38, H: 0},
        ),
        # It was nearly ready.
        ({T: 300, E: 310, K: 100, B: 390, H: 450}, {T: 300, E: 10, K: 0, B: 80, H: 60}),
        # Nobody waited for words that came after the turn was called complete.
        ({T: 420, E: 210, K: 500, H: 700}, {T: 0, E: 210, K: 290, H: 200}),
        # What is not known is counted for the next that is.
        ({K: 500, H: 700}, {K: 500, H: 200}),
        ({H: 700}, {H: 700}),
        # An estimate may say that it was heard before it was sent.
        ({E: 310, S: 460, P: 450, H: 455}, {E: 310, S: 145, P: 0, H: 0}),
    ],
)
def test_each_stage_adds_by_how_much_it_moves_on_the_latest(
    reached: dict[Stage, float], added: dict[Stage, float]
) -> None:
    found = latency(1000.0, {stage: 1000 + ms for stage, ms in reached.items()})
    assert found == Latency(added)
    assert found.total_ms == reached[H]


def test_what_nobody_heard_took_no_time() -> None:
    assert latency(0.0, {K: 3, S: 5}) is None


TIMES = st.floats(-1e6, 1e7, allow_nan=False)


@given(ended=TIMES, reached=st.dictionaries(st.sampled_from(Stage), TIMES), heard=TIMES)
def test_all_parts_are_the_whole_exactly_and_none_is_negative_whatever_is_missing(
    ended: float, reached: dict[Stage, float], heard: float
) -> None:
    found = latency(ended, reached | {H: heard})
    assert found
    assert found.added_ms.keys() == {*reached, H}
    assert min(found.added_ms.values()) >= 0
    whole = max(0.0, round(heard / STEP_MS) * STEP_MS - round(ended / STEP_MS) * STEP_MS)
    assert found.total_ms == whole
