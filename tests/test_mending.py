"""A microphone in datagrams: in order, nothing twice, and silence where something is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.mending import MOST_SILENCE_SAMPLES, RESTART_SAMPLES, Mender

WINDOW = 512


def window(number: int) -> tuple[int, bytes]:
    """The window of that number; each of its samples is the number plus one, never zero."""
    return number * WINDOW, np.full(WINDOW, number + 1, "<i2").tobytes()


def heard(*numbers: int) -> list[int]:
    """What is listened to of windows that come in this order: one figure a window, 0 is silence."""
    mender = Mender()
    pcm = b"".join(piece for number in numbers for _, piece in mender.take(*window(number)))
    return [int(figure) for figure in np.frombuffer(pcm, "<i2")[::WINDOW]]


@pytest.mark.parametrize(
    ("came", "listened_to"),
    [
        ((0, 1, 2), [1, 2, 3]),
        ((0, 2, 1, 3), [1, 2, 3, 4]),  # overtaken
        ((0, 2, 3, 1, 4), [1, 2, 3, 4, 5]),  # overtaken twice
        ((0, 1, 1, 2, 0), [1, 2, 3]),  # doubled
        ((0, 2, 3), [1]),  # it may still come
        ((0, 2, 3, 4), [1, 0, 3, 4, 5]),  # lost
        ((0, 2, 3, 4, 1, 5), [1, 0, 3, 4, 5, 6]),  # too late
        ((0, 2, 4, 5, 6), [1, 0, 3, 0, 5, 6, 7]),  # two lost
        ((7, 8), [8, 9]),  # the first to come is the first
    ],
)
def test_windows_come_out_in_order_with_silence_for_what_is_lost(
    came: tuple[int, ...], listened_to: list[int]
) -> None:
    assert heard(*came) == listened_to


@given(
    sent=st.lists(st.sampled_from(["arrives", "lost", "doubled", "late"]), min_size=1, max_size=60)
)
def test_every_window_stands_at_its_own_sample_or_is_silent(sent: list[str]) -> None:
    came: list[int] = []
    for number, fate in enumerate(sent):
        came += {"arrives": [number], "lost": [], "doubled": [number] * 2, "late": []}[fate]
        if number and sent[number - 1] == "late":
            came.append(number - 1)
    mender, end = Mender(), None
    for number in came:
        for start, pcm in mender.take(*window(number)):
            assert end is None or start == end
            end = start + len(pcm) // 2
            figures = np.frombuffer(pcm, "<i2")
            own = np.arange(start, end) // WINDOW + 1
            assert np.all((figures == own) | (figures == 0))


def test_an_outage_is_half_a_second_of_silence_at_most_and_counted_whole() -> None:
    mender = Mender()
    mender.take(*window(0))
    given_ = [each for number in (100, 101, 102) for each in mender.take(*window(number))]
    start, silence = given_[0]
    assert len(silence) // 2 == MOST_SILENCE_SAMPLES
    assert start + MOST_SILENCE_SAMPLES == 100 * WINDOW
    assert mender.lost_samples == 99 * WINDOW


def test_a_client_that_counts_anew_is_heard() -> None:
    mender = Mender()
    mender.take(*window(RESTART_SAMPLES // WINDOW + 10))
    assert mender.take(*window(0)) == [window(0)]


def test_pieces_that_overlap_are_listened_to_once() -> None:
    mender = Mender()
    mender.take(0, bytes(2 * 300))
    assert mender.take(200, b"\x01\x00" * 300) == [(300, b"\x01\x00" * 200)]
