"""The room around the user, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.rehearsal import noises
from bargein.rehearsal.acoustics import HISS, EchoPath, Microphone
from bargein.rehearsal.levels import (
    RATE_HZ,
    Sound,
    active_db,
    at_level,
    from_pcm,
    gain,
    to_pcm,
    trimmed,
)

TONE_HZ = 440.0


def tone(rate_hz: int, seconds: float) -> Sound:
    """A tone of amplitude 0.5."""
    times = np.arange(int(rate_hz * seconds)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("block", [128, 333])
def test_the_echo_is_the_loudspeakers_sound_later_and_softer(rate_hz: int, block: int) -> None:
    path = EchoPath(gain_db=-20, delay_ms=100, rate_hz=rate_hz)
    played = tone(rate_hz, 1.0)
    heard: list[Sound] = []
    given = 0
    for n in range(0, RATE_HZ - block, block):
        until = round((n + block) * rate_hz / RATE_HZ)
        path.play(played[given:until])
        given = until
        heard.append(path.hear(block))
    echo = np.concatenate(heard)
    silent, sounding = echo[: int(0.097 * RATE_HZ)], echo[int(0.11 * RATE_HZ) :]
    expected = 0.1 * tone(RATE_HZ, 1.0)[: len(echo) - int(0.1 * RATE_HZ)]
    assert np.abs(silent).max() < 0.001
    assert np.abs(sounding - expected[-len(sounding) :]).max() < 0.001


def test_the_microphone_mixes_from_the_sample_at_which_an_act_begins() -> None:
    microphone = Microphone(noise=None, seed=1)
    first = microphone.hear(100, None)
    end = microphone.begin(np.full(150, 0.25, dtype=np.float32))
    second, third = microphone.hear(100, None), microphone.hear(100, None)
    assert end == 250
    assert np.abs(first).max() <= HISS
    assert np.abs(second - 0.25).max() <= HISS
    assert np.abs(third[:50] - 0.25).max() <= HISS
    assert np.abs(third[50:]).max() <= HISS


def test_noise_is_repeated_without_end_and_echo_is_added() -> None:
    microphone = Microphone(noise=np.array([0.1, 0.2, 0.3], dtype=np.float32), seed=1)
    heard = np.concatenate([microphone.hear(4, None), microphone.hear(4, np.full(4, 0.5, "f4"))])
    expected = [0.1, 0.2, 0.3, 0.1, 0.7, 0.8, 0.6, 0.7]
    assert np.abs(heard - np.array(expected)).max() <= HISS


@pytest.mark.parametrize("decibels", [-40, -22, -10])
def test_a_level_is_that_of_the_loud_parts(decibels: int) -> None:
    sound = np.concatenate([tone(RATE_HZ, 0.5), np.zeros(RATE_HZ, dtype=np.float32)])
    assert active_db(at_level(sound, decibels)) == pytest.approx(decibels, abs=0.1)


def test_what_would_not_fit_is_made_softer_and_silence_stays_silent() -> None:
    assert np.abs(at_level(tone(RATE_HZ, 0.1), 20)).max() <= 1.0
    assert not at_level(np.zeros(100, dtype=np.float32), -20).any()


def test_silence_around_a_sound_is_cut_off() -> None:
    silence = np.zeros(1000, dtype=np.float32)
    sound = tone(RATE_HZ, 0.1)
    assert abs(len(trimmed(np.concatenate([silence, sound, silence]))) - len(sound)) <= 4


def test_pcm_survives_the_round_trip_and_clips() -> None:
    pcm = np.array([-32768, -1, 0, 1, 32767], dtype="<i2").tobytes()
    assert to_pcm(from_pcm(pcm)) == pcm
    assert to_pcm(np.array([2.0, -2.0], dtype=np.float32)) == b"\xff\x7f\x00\x80"


@pytest.mark.parametrize("kind", [*noises.SHORT, *noises.LONG])
def test_a_noise_is_the_same_for_the_same_seed(kind: str) -> None:
    one, again, other = (noises.make(kind, 500, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.isfinite(one).all()
    assert np.abs(one).max() > 0


def test_a_noise_lasts_as_long_as_it_should() -> None:
    assert len(noises.make("street", 1234, 1)) == pytest.approx(1.234 * RATE_HZ, abs=1)
    assert len(noises.make("click", None, 1)) < 0.1 * RATE_HZ
    with pytest.raises(ValueError, match="no noise is called 'bang'"):
        noises.make("bang", None, 1)


def test_decibels_are_amplitudes() -> None:
    assert gain(-20) == pytest.approx(0.1)
