"""A stream at another rate: nothing is lost, nothing folds back, and it is hardly late."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.resampling import Resampler, Samples

RATES = [(48_000, 16_000), (44_100, 16_000), (24_000, 48_000), (24_000, 16_000), (16_000, 16_000)]


def tone(rate_hz: int, hz: float) -> Samples:
    """One second."""
    return np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz).astype(np.float32)


def converted(from_hz: int, to_hz: int, sound: Samples, blocks: int = 100) -> Samples:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate([resampler.convert(block) for block in np.array_split(sound, blocks)])


def level_db(sound: Samples) -> float:
    """Of a tone, against one of amplitude 1; its begin and its end are left out."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    return float(20 * np.log10(np.sqrt(2 * np.mean(np.square(middle))) + 1e-9))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_second_stays_a_second(from_hz: int, to_hz: int) -> None:
    assert abs(len(converted(from_hz, to_hz, tone(from_hz, 440))) - to_hz) <= 1


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("hz", [100, 1000, 5000])
def test_speech_passes_as_it_is(from_hz: int, to_hz: int, hz: float) -> None:
    assert level_db(converted(from_hz, to_hz, tone(from_hz, hz))) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("hz", [9500, 11_000, 20_000])
def test_what_the_lower_rate_can_not_carry_does_not_fold_back(hz: float) -> None:
    assert level_db(converted(48_000, 16_000, tone(48_000, hz))) < -38


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_it_is_late_by_what_it_says_and_that_is_little(from_hz: int, to_hz: int) -> None:
    click = np.zeros(from_hz, dtype=np.float32)
    click[from_hz // 2] = 1.0
    came_ms = int(np.argmax(converted(from_hz, to_hz, click))) * 1000 / to_hz
    delay_ms = Resampler(from_hz, to_hz).delay_ms
    assert delay_ms < 1
    assert came_ms == pytest.approx(500 + delay_ms, abs=1000 / to_hz)


@pytest.mark.parametrize("blocks", [1, 7, 1000])
def test_the_size_of_the_blocks_changes_nothing(blocks: int) -> None:
    sound = tone(44_100, 700)
    whole = converted(44_100, 16_000, sound, blocks=100)
    assert np.array_equal(converted(44_100, 16_000, sound, blocks=blocks), whole)
