"""Who is there, who may come back, and with which key."""

from __future__ import annotations

import pytest

from bargein.presence import (
    AWAY,
    CONNECTED,
    KEYS_IN_DOUBT,
    OVER,
    RULES,
    Attendance,
    Do,
    Happened,
    Presence,
)

GRACE_MS = 30_000


def attendance(*happened: Happened, grace_ms: float = GRACE_MS) -> Attendance:
    """One whose client has the key `one`, and to which this happened at 1,000 ms."""
    there = Attendance(grace_ms)
    there.give("one")
    there.confirm()
    for each in happened:
        there.hear(each, 1000)
    return there


def test_every_pair_of_state_and_event_stands_in_the_table() -> None:
    assert set(RULES) == {(state, each) for state in Presence for each in Happened}


def test_what_is_over_stays_over_and_nothing_more_is_done() -> None:
    assert {RULES[OVER, each] for each in Happened} == {RULES[OVER, Happened.LEFT]}
    assert RULES[OVER, Happened.LEFT].do == ()


@pytest.mark.parametrize(
    ("happened", "state", "do"),
    [
        ([Happened.DROPPED], AWAY, (Do.HOLD,)),
        ([Happened.DROPPED, Happened.RETURNED], CONNECTED, (Do.TAKE_UP,)),
        ([Happened.DROPPED, Happened.GRACE_ENDED], OVER, (Do.END,)),
        ([Happened.DROPPED, Happened.RETURNED, Happened.GRACE_ENDED], CONNECTED, ()),
        ([Happened.RETURNED], CONNECTED, (Do.DISMISS, Do.HOLD, Do.TAKE_UP)),
        ([Happened.LEFT], OVER, (Do.END,)),
        ([Happened.DROPPED, Happened.ENDED], OVER, (Do.END,)),
        ([Happened.DROPPED, Happened.GRACE_ENDED, Happened.RETURNED], OVER, ()),
    ],
)
def test_what_happens_to_a_connection_decides_about_the_session(
    happened: list[Happened], state: Presence, do: tuple[Do, ...]
) -> None:
    there = attendance(*happened[:-1])
    assert there.hear(happened[-1], 2000) == do
    assert there.state is state


def test_without_a_grace_period_or_a_key_a_lost_connection_is_the_end() -> None:
    assert attendance(Happened.DROPPED, grace_ms=0).state is OVER
    stranger = Attendance(GRACE_MS)
    assert stranger.hear(Happened.DROPPED, 0) == (Do.END,)


def test_the_grace_period_counts_from_the_loss_and_ends_with_the_return() -> None:
    there = attendance(Happened.DROPPED)
    assert there.left_ms(11_000) == GRACE_MS - 10_000
    there.hear(Happened.DROPPED, 11_000)
    assert there.left_ms(11_000) == GRACE_MS - 10_000
    assert there.left_ms(99_000) == 0
    there.hear(Happened.RETURNED, 12_000)
    assert there.left_ms(12_000) is None


def test_only_the_last_key_opens_the_session_once_the_client_has_it() -> None:
    there = attendance(Happened.DROPPED, Happened.RETURNED)
    there.give("two")
    assert [there.opens(key) for key in ("one", "two", "three", "")] == [True, True, False, False]
    there.confirm()
    assert [there.opens(key) for key in ("one", "two")] == [False, True]


def test_keys_that_may_be_lost_on_their_way_are_good_but_not_without_end() -> None:
    there = attendance()
    for number in range(KEYS_IN_DOUBT):
        there.give(f"key {number}")
    assert not there.opens("one")
    assert all(there.opens(f"key {number}") for number in range(KEYS_IN_DOUBT))


def test_no_key_opens_what_is_over() -> None:
    assert not attendance(Happened.LEFT).opens("one")
