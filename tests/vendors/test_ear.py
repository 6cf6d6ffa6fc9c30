"""When a recogniser tells of what it hears."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vendors.ear import RATE_HZ, Ear, HeardTurn, HeardWord, Understood
from tests.vendors.latency import Recognition

TURN = HeardTurn(
    (
        HeardWord("Two", 0, 200, first="To"),
        HeardWord("teas,", 200, 500),
        HeardWord("please.", 1000, 1300),
    ),
    length_ms=1300,
)
"""With a pause of half a second behind the comma."""
SECOND = HeardTurn((HeardWord("Yes.", 0, 300),), length_ms=300)
LATENCY = Recognition(partial_ms=100, final_ms=300, endpoint_ms=300)


def sound(length_ms: float) -> bytes:
    """Something loud."""
    noise = np.random.default_rng(1).integers(-3000, 3000, round(length_ms * RATE_HZ / 1000))
    return noise.astype("<i2").tobytes()


def silence(length_ms: float) -> bytes:
    """Nothing."""
    return b"\0\0" * round(length_ms * RATE_HZ / 1000)


def told(audio: bytes, *turns: HeardTurn, finalize_at_ms: float | None = None) -> list[str]:
    """Hear audio in steps of 10 ms: what is told, with the ms at which it is."""
    ear, said = Ear(turns or (TURN, SECOND), LATENCY), []

    def note(result: Understood) -> None:
        mark = ("." if result.ends_speech else "") + ("!" if result.asked else "")
        kind = f"final{mark}" if result.final else "partial"
        said.append(f"{ear.heard_ms:.0f} {kind} {result.text}".strip())

    for at in range(0, len(audio), 320):
        ear.take(audio[at : at + 320])
        if ear.heard_ms == finalize_at_ms and (now := ear.finalize()):
            note(now)
        for result in ear.results(ear.heard_ms):
            note(result)
    return said


def test_words_come_one_by_one_and_a_pause_makes_them_final() -> None:
    assert told(silence(100) + sound(1300) + silence(500)) == [
        "400 partial To",
        "700 partial Two teas",
        "900 final. Two teas,",
        "1500 partial please",
        "1700 final. please.",
    ]


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        pytest.param(420, "600 final! Two", id="in the next word"),
        pytest.param(800, "900 final.! Two teas,", id="in a pause, before its final"),
        pytest.param(1000, "1000 final!", id="when all is told"),
    ],
)
def test_a_finalize_is_answered_with_what_was_said_until_then(at_ms: float, expected: str) -> None:
    heard = told(silence(100) + sound(1300) + silence(500), finalize_at_ms=at_ms)
    assert expected in heard


def test_the_next_turn_begins_at_the_next_loud_moment() -> None:
    audio = sound(1300) + silence(1000) + sound(300) + silence(400)
    assert told(audio)[-2:] == ["2700 partial Yes", "2900 final. Yes."]


def test_a_word_whose_audio_does_not_come_is_not_understood() -> None:
    assert told(sound(450)) == ["300 partial To"]


def test_what_comes_late_of_a_turn_is_not_the_next_one() -> None:
    """A network that stalls has the bot's service fill the gap with silence."""
    held_up = sound(600) + silence(700) + sound(700) + silence(1000) + sound(300) + silence(400)
    assert [each for each in told(held_up) if "Yes" in each] == [
        "3400 partial Yes",
        "3600 final. Yes.",
    ]
