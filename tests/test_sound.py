"""Where sound begins, and where that of a word ends."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.sound import first_sound, sound_end

RATE_HZ = 16_000
BLOCK = 160


def pcm(*stretches: tuple[int, int]) -> bytes:
    """PCM16 of stretches, each a number of samples at an amplitude."""
    return np.concatenate([np.full(n, level, "<i2") for n, level in stretches]).tobytes()


@pytest.mark.parametrize(
    ("sound", "end"),
    [
        (pcm((3200, 8000), (3200, 0)), 3200),
        (pcm((3200, 8000), (3200, 40)), 3200),  # 46 dB below is silence
        (pcm((3200, 8000), (3200, 160)), 6400),  # 34 dB below is not
        (pcm((1600, 0), (1600, 8000), (1600, 0)), 3200),
        (pcm((1650, 8000), (1600, 0)), 11 * BLOCK),  # in whole blocks
        (pcm((1600, 8000), (70, 0)), 1670),  # less than a block of silence is none
        (pcm((1600, 8000)), 1600),
        (pcm((1650, 8000)), 1650),  # sound to the last block is sound to the end
        (pcm((3200, 0)), 3200),  # no sound at all
        (pcm((100, 8000)), 100),  # shorter than two blocks
        (b"", 0),
    ],
)
def test_sound_ends_where_it_has_died_away(sound: bytes, end: int) -> None:
    assert sound_end(sound, RATE_HZ) == end


def test_the_loudest_sample_there_is_does_not_overflow() -> None:
    assert sound_end(pcm((1600, -32768), (1600, 0)), RATE_HZ) == 1600


@pytest.mark.parametrize(
    ("sound", "begins"),
    [
        (pcm((100, 0), (50, 8000)), 100),
        (pcm((100, 0), (50, -8000)), 100),
        (pcm((50, -32768)), 0),
        (pcm((100, 103), (50, -104)), 100),  # the noise of a dithered silence is not heard
        (pcm((100, 0)), None),
        (b"", None),
    ],
)
def test_sound_begins_where_it_can_be_heard(sound: bytes, begins: int | None) -> None:
    assert first_sound(sound) == begins
