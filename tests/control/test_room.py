"""The table of a session's states is total, and placement, limits and problems are as they say."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.control import problem
from bargein.control.limits import Limits, Rate, peer_of
from bargein.control.placement import DEAD_MS, SILENT_MS, Pulse, choose
from bargein.control.room import RULES, Happening, State, Worker, changes


def test_every_pair_of_state_and_happening_stands_in_the_table() -> None:
    assert set(RULES) == set(product(State, Happening))


def test_what_is_over_stays_over() -> None:
    assert {RULES[State.ENDED, each] for each in Happening} == {None}


def test_nobody_joins_but_where_a_client_is_awaited() -> None:
    assert changes(Happening.JOINED) == {State.WAITING: State.TALKING}


def test_a_talk_that_goes_on_is_not_placed_elsewhere() -> None:
    assert set(changes(Happening.PLACED)) == {State.WAITING, State.LOST, State.EXPIRED}


A, B, C = (Worker(name, "ws://x", 4, 1) for name in "abc")


@pytest.mark.parametrize(
    ("workers", "silent", "expected"),
    [
        ([], "", None),
        ([A], "", "a"),
        ([replace(A, load=2), replace(B, load=1)], "", "b"),
        ([replace(A, load=2), replace(B, load=3, capacity=8)], "", "b"),
        ([replace(A, load=4), replace(B, load=4)], "", None),
        ([replace(A, is_draining=True), replace(B, load=3)], "", "b"),
        ([A, replace(B, load=3)], "a", "b"),
        ([A, B], "ab", None),
        ([B, A], "", "a"),
    ],
)
def test_the_least_loaded_worker_that_can_gets_the_session(
    workers: list[Worker], silent: str, expected: str | None
) -> None:
    chosen = choose(workers, silent=silent)
    assert (chosen.id if chosen else None) == expected


def test_a_worker_whose_beat_stands_still_is_silent() -> None:
    pulse = Pulse()
    for second in range(4):
        pulse.look([replace(A, beat=second), B], second * 1000)
    assert not pulse.silent(3000)
    assert pulse.silent(SILENT_MS) == {"b"}
    assert pulse.silent(3000 + SILENT_MS) == {"a", "b"}
    assert pulse.silent(DEAD_MS, DEAD_MS) == {"b"}
    pulse.look([replace(B, beat=1)], 3000 + SILENT_MS)
    assert not pulse.silent(4000 + SILENT_MS)


def test_a_bucket_gives_its_burst_and_then_by_time() -> None:
    limits = Limits(Rate(burst=3, per_s=0.5))
    assert [limits.take("x", 0) for _ in range(4)] == [0, 0, 0, 2]
    assert limits.take("y", 0) == 0
    assert limits.take("x", 1000) == 1
    assert limits.take("x", 2000) == 0
    assert not limits.allows("x", 3999)
    assert limits.allows("x", 4000)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3000)), max_size=60))
def test_nobody_gets_more_than_burst_and_rate(asked: list[tuple[str, float]]) -> None:
    limits, now_ms, given = Limits(Rate(2, 1)), 0.0, dict.fromkeys("abc", 0)
    for peer, wait_ms in asked:
        now_ms += wait_ms
        given[peer] += limits.take(peer, now_ms) == 0
    assert all(count <= 2 + now_ms / 1000 + 1e-6 for count in given.values())


def test_who_asks_under_many_addresses_does_not_fill_the_memory_nor_is_forgiven() -> None:
    limits = Limits(Rate(2, 0.001), most_peers=100)
    for _ in range(2):
        limits.take("greedy", 0)
    for number in range(5000):
        limits.take(f"peer-{number}", 0)
    assert len(limits) <= 101
    assert limits.take("greedy", 0) > 0


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("x", "unknown"),
    ],
)
def test_a_peer_is_an_address_or_a_network(address: str | None, peer: str) -> None:
    assert peer_of(address) == peer


@pytest.mark.parametrize("status", [*range(400, 600), 0, 200])
def test_every_status_has_a_problem(status: int) -> None:
    found = problem.of_status(status)
    assert found.status == status if status in problem.STATUS else found.status in (400, 500)
    assert json.loads(json.dumps(found.body()))["detail"]
