"""How far ahead of the listener audio may run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bargein.pacing import Pacing

LEAD_MS = 100.0


def test_the_first_audio_goes_out_at_once() -> None:
    assert Pacing(LEAD_MS).wait_ms(0) == 0


def test_beyond_the_lead_it_waits() -> None:
    pacing = Pacing(LEAD_MS)
    pacing.let_out(130, 0)
    assert (pacing.wait_ms(0), pacing.wait_ms(10), pacing.wait_ms(30)) == (30, 20, 0)


def test_after_a_dry_spell_nothing_is_caught_up() -> None:
    pacing = Pacing(LEAD_MS)
    pacing.let_out(20, 0)
    pacing.let_out(150, 1000)
    assert pacing.wait_ms(1000) == 50


def test_what_was_let_out_is_played_as_time_passes() -> None:
    pacing = Pacing(LEAD_MS)
    pacing.let_out(80, 0)
    assert [pacing.unplayed_ms(now) for now in (0, 30, 80, 500)] == [80, 50, 0, 0]
    assert [pacing.overdue_ms(now) for now in (30, 80, 500)] == [-50, 0, 420]


def test_a_restart_makes_what_was_let_out_void() -> None:
    pacing = Pacing(LEAD_MS)
    pacing.let_out(5000, 0)
    pacing.restart(10)
    assert (pacing.wait_ms(10), pacing.unplayed_ms(10)) == (0, 0)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(1, 40)), max_size=30))
def test_the_listener_never_has_more_than_the_lead_and_one_chunk(
    steps: list[tuple[float, float]],
) -> None:
    pacing, now_ms = Pacing(LEAD_MS), 0.0
    for passes_ms, chunk_ms in steps:
        now_ms += passes_ms
        if pacing.wait_ms(now_ms) == 0:
            pacing.let_out(chunk_ms, now_ms)
        assert pacing.unplayed_ms(now_ms) <= LEAD_MS + chunk_ms + 40
