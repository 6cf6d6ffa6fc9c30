"""How the time of a whole is shared out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vendors.latency import Synthesis, Writing
from tests.vendors.voice import LEVEL, PITCHES, RATE_HZ, number_in, pitch_of, spoken, tone


@pytest.mark.parametrize(
    ("writing", "first_ms", "last_ms"),
    [
        pytest.param(Writing(1200), 40, 1200, id="evenly"),
        pytest.param(Writing(1200, first_ms=400), 400, 1200, id="a late first token"),
        pytest.param(Writing(1200, first_ms=1200), 1200, 1200, id="all at once"),
    ],
)
def test_tokens_come_evenly(writing: Writing, first_ms: float, last_ms: float) -> None:
    assert writing.at_ms(0, 30) == pytest.approx(first_ms)
    assert writing.at_ms(29, 30) == pytest.approx(last_ms)
    assert writing.at_ms(15, 31) == pytest.approx((writing.at_ms(0, 31) + last_ms) / 2)


@pytest.mark.parametrize(
    ("synthesis", "chars", "first_ms", "last_ms"),
    [
        pytest.param(Synthesis(600, 160), 160, 37.5, 600, id="the whole reply"),
        pytest.param(Synthesis(600, 160), 40, 37.5, 150, id="its share"),
        pytest.param(Synthesis(600, 160, first_ms=200), 160, 200, 600, id="a late first byte"),
        pytest.param(Synthesis(600, 160, first_ms=600), 40, 600, 600, id="all at once"),
    ],
)
def test_pieces_of_audio_come_evenly(
    synthesis: Synthesis, chars: int, first_ms: float, last_ms: float
) -> None:
    assert synthesis.at_ms(synthesis.piece_chars, chars) == pytest.approx(first_ms)
    assert synthesis.at_ms(chars, chars) == pytest.approx(last_ms)


def test_the_voice_tells_by_its_pitch_which_reply_it_speaks() -> None:
    for number in range(2 * PITCHES):
        sound = np.frombuffer(tone(number, 1234, RATE_HZ // 25), dtype="<i2")
        assert pitch_of(sound) == number % PITCHES
        assert np.abs(sound).max() <= LEVEL


def test_a_reply_names_its_number() -> None:
    assert number_in("Order 17, is that 2 people?") == 17
    assert number_in(f"For {spoken(PITCHES + 47)}, is that one table?") == 47
    assert number_in("Sure.") is None
