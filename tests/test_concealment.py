"""What sounds in place of a loss: the voice goes on, dies away, and nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.concealment import Pcm, conceal, history_samples, lead_in_samples, led_in

RATE_HZ = 24_000
LOUDNESS = 8_000


def voice(pitch_hz: float, samples: int, at: int = 0) -> Pcm:
    """A voice of two harmonics."""
    turns = 2 * np.pi * pitch_hz * np.arange(at, at + samples) / RATE_HZ
    return np.round(LOUDNESS * (np.sin(turns) + 0.4 * np.sin(2 * turns))).astype(np.int16)


@pytest.mark.parametrize("pitch_hz", [80, 120, 200, 300])
def test_a_voice_goes_on_with_its_pitch(pitch_hz: int) -> None:
    history = history_samples(RATE_HZ)
    made = conceal(voice(pitch_hz, history), 480, RATE_HZ).astype(float)
    true = voice(pitch_hz, 480, at=history).astype(float)
    assert np.corrcoef(made, true)[0, 1] > 0.97


def test_it_dies_away_within_60_ms() -> None:
    made = conceal(voice(120, history_samples(RATE_HZ)), 3 * 1440, RATE_HZ)
    thirds = np.abs(made.astype(int)).reshape(3, -1).max(axis=1)
    assert thirds[0] > LOUDNESS / 2
    assert thirds[1:].tolist() == [0, 0]


def test_neither_edge_of_a_loss_jumps() -> None:
    history, gap, lead_in = history_samples(RATE_HZ), 480, lead_in_samples(RATE_HZ)
    whole = voice(130, history + gap + 480)
    made = conceal(whole[:history], gap + lead_in, RATE_HZ)
    came = led_in(whole[history + gap :], made[gap:])
    heard = np.concatenate([whole[:history], made[:gap], came]).astype(int)
    assert np.abs(np.diff(heard)).max() < 1.5 * np.abs(np.diff(whole.astype(int))).max()
    assert np.array_equal(came[lead_in:], whole[history + gap + lead_in :])


def test_behind_silence_there_is_silence() -> None:
    history = np.zeros(history_samples(RATE_HZ), np.int16)
    assert not conceal(history, 480, RATE_HZ).any()
