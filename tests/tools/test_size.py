"""Values that are too large, too deep or no JSON are found without harm."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.tools.size import Bounds, too_large

SMALL = Bounds(bytes=100, depth=3, values=10)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [1, "b", None, True, 1.5]}, ""),
        (nested(3), ""),
        (nested(4), "nested deeper than 3"),
        (nested(100_000), "nested deeper"),
        ([0] * 10, "more than 10 values"),
        ("x" * 200, "more than 100 bytes"),
        ("ü" * 50, "more than 100 bytes"),
        (10**300, "more than 100 bytes"),
        (10**309, "beyond what a float"),
        ([-(10**5000)], "beyond what a float"),
        (float("nan"), "not finite"),
        ([float("inf")], "not finite"),
        ({1: 2}, "a key that is no text"),
        ({"a": b"x"}, "bytes, which is no JSON"),
        ({"a": (1, 2)}, "tuple, which is no JSON"),
    ],
)
def test_a_value_is_small_enough_or_it_is_said_why_not(value: Any, said: str) -> None:
    found = too_large(value, SMALL)
    assert said in found
    assert bool(found) is bool(said)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, [["tea \ud83d"]]])
def test_half_a_character_is_no_text(value: object) -> None:
    assert "no text" in too_large(value, SMALL)


def test_a_character_beyond_the_first_plane_is_text() -> None:
    assert too_large({"☕": "🍵"}, SMALL) == ""
