"""What was handed out is gone, what was not stops, goes on or is dropped to the sample."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bargein.outlet import Outlet, Position
from bargein.packet import Flag, Kind, Packet


def packet(
    start: int, count: int, *, utterance: int = 1, epoch: int = 1, last: bool = False
) -> Packet:
    """A stretch whose samples are their own numbers."""
    pcm = np.arange(start, start + count, dtype="<i2").tobytes()
    flags = Flag.LAST if last else Flag.NONE
    return Packet(Kind.BOT, epoch, utterance, start, pcm, flags=flags)


def taken(outlet: Outlet, samples: int) -> list[int]:
    """The samples that are handed out."""
    return [int(each) for each in np.frombuffer(outlet.take(samples)[0], dtype="<i2")]


def test_what_is_asked_for_is_given_across_packets_and_silence_fills_the_rest() -> None:
    outlet = Outlet()
    outlet.put(packet(1, 2))
    outlet.put(packet(3, 3))
    assert taken(outlet, 4) == [1, 2, 3, 4]
    assert taken(outlet, 4) == [5, 0, 0, 0]
    assert outlet.position == Position(1, 6)


def test_each_utterance_that_ends_is_told_of() -> None:
    outlet = Outlet()
    outlet.put(packet(0, 2, last=True))
    outlet.put(packet(0, 9, utterance=2))
    assert outlet.take(5)[1] == [Position(1, 2, finished=True), Position(2, 3)]


def test_an_end_without_audio_ends_the_utterance_too() -> None:
    outlet = Outlet()
    outlet.put(packet(0, 4))
    outlet.put(packet(4, 0, last=True))
    assert outlet.take(4)[1] == [Position(1, 4)]
    assert outlet.take(4)[1] == [Position(1, 4, finished=True)]


def test_muted_it_gives_silence_and_keeps_what_waits() -> None:
    outlet = Outlet()
    outlet.put(packet(1, 9))
    taken(outlet, 3)
    assert outlet.mute(1) == Position(1, 4)
    assert taken(outlet, 3) == [0, 0, 0]
    assert outlet.waiting_samples == 6


def test_of_an_utterance_that_has_not_begun_nothing_was_handed_out() -> None:
    outlet = Outlet()
    outlet.put(packet(0, 4, last=True))
    taken(outlet, 4)
    assert outlet.mute(2) == Position(2, 0)


def test_a_new_epoch_drops_what_waits_and_what_comes_late() -> None:
    outlet = Outlet()
    outlet.put(packet(1, 9))
    taken(outlet, 3)
    outlet.mute(1)
    outlet.restart(2)
    outlet.put(packet(7, 3))
    outlet.put(packet(4, 2, epoch=2))
    assert taken(outlet, 4) == [4, 5, 0, 0]


def test_a_verdict_that_comes_twice_drops_nothing() -> None:
    outlet = Outlet()
    outlet.restart(2)
    outlet.put(packet(1, 2, epoch=2))
    outlet.restart(2)
    assert taken(outlet, 2) == [1, 2]


@given(st.lists(st.integers(0, 40), max_size=30), st.lists(st.integers(1, 50), max_size=60))
def test_every_sample_is_handed_out_once_and_in_order(puts: list[int], takes: list[int]) -> None:
    outlet, made, heard = Outlet(), 1, list[int]()
    for count in puts:
        outlet.put(packet(made, count))
        made += count
    for count in takes:
        heard += [each for each in taken(outlet, count) if each]
    assert heard == list(range(1, made))[: sum(takes)]
    assert outlet.waiting_samples == made - 1 - len(heard)
