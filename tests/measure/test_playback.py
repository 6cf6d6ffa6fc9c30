"""What was heard of a voice is found by its samples alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.measure.playback import Continuity, Samples, continuity, pauses, runs

# Without a zero in it, a voice can't be mistaken for silence by a single sample.
VOICE = np.random.default_rng(1).integers(1, 9000, 24_000).astype(np.int16)
SILENCE = np.zeros(4_800, dtype=np.int16)


def tape(*pieces: Samples) -> Samples:
    return np.concatenate(pieces)


@pytest.mark.parametrize(
    ("heard", "lost", "repeated"),
    [
        (tape(SILENCE, VOICE), 0, 0),
        (tape(VOICE[:9000], SILENCE, VOICE[9000:]), 0, 0),
        (tape(VOICE[:9000], SILENCE, VOICE[13_800:]), 4800, 0),
        (tape(VOICE[:9000], VOICE[13_800:]), 4800, 0),
        (tape(VOICE[:9000], SILENCE, VOICE[8000:]), 0, 1000),
        (tape(VOICE[:9000], SILENCE, VOICE[9001:]), 1, 0),
        (tape(VOICE[:5000], SILENCE, VOICE[4000:9000], SILENCE, VOICE[9500:]), 500, 1000),
        (tape(VOICE[:9000]), 0, 0),
    ],
    ids=["whole", "paused", "cut", "skipped", "repeated", "one sample", "both", "never went on"],
)
def test_every_missing_and_every_repeated_sample_is_counted(
    heard: Samples, lost: int, repeated: int
) -> None:
    assert continuity(runs(VOICE, heard)) == Continuity(lost, repeated)


def test_a_run_says_where_it_sounds() -> None:
    (before, after) = runs(VOICE, tape(SILENCE, VOICE[:9000], SILENCE, VOICE[9000:]))
    assert (before.sounds_from, before.sounds_until) == (4_800, 13_800)
    assert (after.sounds_from, after.made_at) == (18_600, 9000)


def test_a_pause_of_the_voice_itself_is_heard_where_its_neighbours_are() -> None:
    breathing = tape(VOICE[:9000], SILENCE, VOICE[9000:])
    heard = tape(VOICE[:9000], SILENCE[:480], SILENCE, SILENCE[480:], VOICE[9000:])
    found = runs(breathing, heard)
    assert continuity(found) == Continuity(0, 0)


RAMP = np.arange(1, 129) / 128


def test_a_mute_by_ramps_loses_and_repeats_nothing() -> None:
    down = np.rint(VOICE[9000:9128] * (1 - RAMP)).astype(np.int16)
    up = np.rint(VOICE[9000:9128] * RAMP).astype(np.int16)
    found = runs(VOICE, tape(VOICE[:9000], down, SILENCE, up, VOICE[9128:]))
    assert continuity(found) == Continuity(0, 0)
    assert [run.made_at for run in found] == [0, 9000]
    assert 9100 < found[0].sounds_until <= 9128


def test_what_a_ramp_skips_is_lost_all_the_same() -> None:
    down = np.rint(VOICE[9000:9128] * (1 - RAMP)).astype(np.int16)
    up = np.rint(VOICE[9500:9628] * RAMP).astype(np.int16)
    found = runs(VOICE, tape(VOICE[:9000], down, SILENCE, up, VOICE[9628:]))
    assert continuity(found) == Continuity(500, 0)


def test_another_voice_ends_it() -> None:
    other = np.random.default_rng(2).integers(1, 9000, 5000).astype(np.int16)
    found = runs(VOICE, tape(VOICE[:9000], SILENCE, other, VOICE[9000:]))
    assert [run.samples for run in found] == [9000]


def test_only_long_stretches_are_pauses() -> None:
    heard = tape(VOICE[:3000], SILENCE[:100], VOICE[3000:9000], SILENCE, VOICE[9000:])
    (pause,) = pauses(runs(VOICE, heard), longer_than=2400)
    assert [run.made_at for run in pause] == [3000, 9000]


@given(
    cuts=st.lists(st.integers(300, 23_000), min_size=1, max_size=4, unique=True).map(sorted),
    steps=st.lists(st.integers(-250, 600), min_size=4, max_size=4),
)
def test_it_finds_any_cut_at_any_sample(cuts: list[int], steps: list[int]) -> None:
    pieces, at, lost, repeated = [], 0, 0, 0
    for cut, step in zip(cuts, steps, strict=False):
        if cut < at + 300 or cut + step + 300 > len(VOICE):
            continue
        pieces += [VOICE[at:cut], SILENCE]
        at = cut + step
        lost, repeated = lost + max(0, step), repeated + max(0, -step)
    found = runs(VOICE, tape(*pieces, VOICE[at:]))
    assert continuity(found) == Continuity(lost, repeated)
