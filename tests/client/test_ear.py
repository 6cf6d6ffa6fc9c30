"""What the Python client hears, as the browser does."""

from __future__ import annotations

import pytest

from bargein.client.ear import Ear
from bargein.protocol import WINDOW_SAMPLES

WINDOW = bytes(2 * WINDOW_SAMPLES)


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.15, 0.65])
def test_speech_ends_in_silence_at_any_threshold(threshold: float) -> None:
    ear = Ear()
    assert ear.hear(WINDOW, 0.99, threshold) == "onset"
    assert "offset" in [ear.hear(WINDOW, 0.01, threshold) for _ in range(10)]


def test_a_bot_that_may_not_be_interrupted_is_not_ducked_at_a_hint() -> None:
    ear = Ear()
    ear.hear(WINDOW, 0.99, 1.0)
    assert not ear.hinted
    ear.hear(WINDOW, 0.5, 0.65)
    assert ear.hinted
