"""Which of several parts works: the first that can."""

from __future__ import annotations

import pytest

from bargein.failover import Ranks

RETRY_MS = 1000.0


def ranks(count: int = 3) -> Ranks:
    return Ranks(count, retry_after_ms=RETRY_MS)


def test_the_first_works_until_it_fails() -> None:
    of = ranks()
    assert of.active == 0
    assert of.failed(0, 5, for_good=False)
    assert of.active == 1


def test_one_that_does_not_work_may_fail_without_a_change() -> None:
    of = ranks()
    assert not of.failed(1, 5, for_good=True)
    assert of.failed(0, 6, for_good=True)
    assert of.active == 2


def test_where_none_is_left_the_last_one_stays() -> None:
    of = ranks(2)
    assert of.failed(0, 0, for_good=True)
    assert not of.failed(1, 1, for_good=True)
    assert of.active == 1


@pytest.mark.parametrize(("now_ms", "active"), [(999, 1), (1000, 0)])
def test_one_that_may_recover_is_tried_again_after_a_while(now_ms: float, active: int) -> None:
    of = ranks()
    of.failed(0, 0, for_good=False)
    assert of.work_begins(now_ms) is (active == 0)
    assert of.active == active


def test_one_that_was_refused_is_never_tried_again() -> None:
    of = ranks()
    of.failed(0, 0, for_good=True)
    assert not of.work_begins(1e9)
    assert of.active == 1
