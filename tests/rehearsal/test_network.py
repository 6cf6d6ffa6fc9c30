"""A network loses, doubles, delays and reorders what it is told to, the same with the same seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bargein.rehearsal.network import (
    HELD_BACK_MS,
    MOST_RETRANSMITS,
    RETRANSMIT_MS,
    Network,
    NetworkSettings,
)

ITEMS = 2000
EVERY_MS = 20
DATAGRAMS = NetworkSettings(ordered=False)
Arrival = tuple[float, int]
ROUGH = NetworkSettings(delay_ms=30, jitter_ms=200, loss=0.2, duplicate=0.1, reorder=0.1)


def arrivals(
    settings: NetworkSettings, *, seed: int = 1, size: int = 10
) -> list[tuple[float, int]]:
    """When which item arrives: one is sent every 20 ms, its number in its bytes."""
    network = Network(settings, seed)
    for number in range(ITEMS):
        network.send(number.to_bytes(size, "little"), number * EVERY_MS)
    found: list[Arrival] = []
    while (due_ms := network.next_due_ms()) is not None:
        arrived = map(as_bytes, network.due(due_ms))
        found += [(due_ms, int.from_bytes(data, "little")) for data in arrived]
    return found


def as_bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


@pytest.mark.parametrize("ordered", [True, False])
def test_the_same_seed_gives_the_same_network_and_another_one_another(ordered: bool) -> None:
    rough = replace(ROUGH, ordered=ordered)
    assert arrivals(rough, seed=3) == arrivals(rough, seed=3)
    assert arrivals(rough, seed=3) != arrivals(rough, seed=4)


def test_without_faults_all_arrives_after_the_delay() -> None:
    expected = [(number * EVERY_MS + 20, number) for number in range(ITEMS)]
    assert arrivals(DATAGRAMS) == arrivals(NetworkSettings()) == expected


def test_in_order_all_arrives_once_and_late() -> None:
    found = arrivals(ROUGH)
    assert [number for _, number in found] == list(range(ITEMS))
    assert all(before <= after for (before, _), (after, _) in pairwise(found))
    late_ms = [at_ms - number * EVERY_MS for at_ms, number in found]
    assert max(late_ms) >= RETRANSMIT_MS
    longest_ms = RETRANSMIT_MS * 2**MOST_RETRANSMITS
    assert max(late_ms) < longest_ms


@pytest.mark.parametrize(
    ("settings", "least", "most"),
    [
        (replace(DATAGRAMS, loss=0.2), 0.75, 0.85),
        (replace(DATAGRAMS, duplicate=0.2), 1.15, 1.25),
        (replace(DATAGRAMS, outages=((1000, 3000),)), 0.95, 0.95),
    ],
)
def test_datagrams_are_lost_and_doubled_as_often_as_it_says(
    settings: NetworkSettings, least: float, most: float
) -> None:
    assert least <= len(arrivals(settings)) / ITEMS <= most


def test_a_reordered_datagram_is_overtaken_by_the_next_three() -> None:
    found = arrivals(replace(DATAGRAMS, reorder=0.05))
    late = [number for at_ms, number in found if at_ms - number * EVERY_MS > HELD_BACK_MS]
    assert 0.03 < len(late) / ITEMS < 0.07
    assert [number for _, number in found] != list(range(ITEMS))


def test_bandwidth_queues() -> None:
    found = arrivals(replace(DATAGRAMS, bandwidth_kbps=8), size=40)
    assert [at_ms for at_ms, _ in found[:3]] == [60, 100, 140]


def test_what_is_sent_in_an_outage_comes_behind_it_in_order() -> None:
    found = arrivals(NetworkSettings(outages=((1000, 3000),)))
    held = [at_ms for at_ms, number in found if 1000 <= number * EVERY_MS < 3000]
    assert set(held) == {3020}
    assert len(found) == ITEMS


def test_nothing_arrives_of_a_connection_that_is_gone() -> None:
    network = Network(DATAGRAMS)
    network.send("hello", 0)
    network.clear()
    assert network.due(1000) == []
