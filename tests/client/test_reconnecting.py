"""When a client tries again."""

from __future__ import annotations

from bargein.client.reconnecting import Reconnecting


def test_the_first_try_is_at_once_and_each_further_one_waits_longer_up_to_two_seconds() -> None:
    tries = Reconnecting(lost_ms=1000, grace_ms=30_000)
    assert [tries.next_ms(1000) for _ in range(7)] == [0, 250, 500, 1000, 2000, 2000, 2000]


def test_nobody_tries_when_the_session_is_over() -> None:
    tries = Reconnecting(lost_ms=1000, grace_ms=3000)
    assert tries.next_ms(3999) == 0
    assert tries.next_ms(3749) is not None
    assert tries.next_ms(3500) is None


def test_a_try_is_bounded_by_five_seconds_and_by_the_grace_period() -> None:
    tries = Reconnecting(lost_ms=0, grace_ms=7000)
    assert [tries.bound_ms(now_ms) for now_ms in (0, 3000, 8000)] == [5000, 4000, 0]
