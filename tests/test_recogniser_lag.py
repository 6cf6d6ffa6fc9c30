"""How long after the end of speech partial words are taken for all there are."""

from __future__ import annotations

import pytest

from bargein.recogniser_lag import MARGIN_MS, UNKNOWN_MS, RecogniserLag


@pytest.mark.parametrize(
    ("lags_ms", "settled_ms"),
    [
        pytest.param([], UNKNOWN_MS, id="nothing is known"),
        pytest.param([100], 100 + MARGIN_MS, id="one turn"),
        pytest.param([100, 250], 250 + MARGIN_MS, id="the slower of two"),
        pytest.param([100, 250, 120], 120 + MARGIN_MS, id="of three one may be late"),
        pytest.param([100, 250, 120, 240], 240 + MARGIN_MS, id="two that are late are the rule"),
        pytest.param([400, 390, *[100] * 6], 100 + MARGIN_MS, id="what is long ago is forgotten"),
        pytest.param([-40], MARGIN_MS, id="words that were there before the end"),
    ],
)
def test_it_trusts_the_slowest_but_one(lags_ms: list[float], settled_ms: float) -> None:
    lag = RecogniserLag()
    for each in lags_ms:
        lag.note(each)
    assert lag.settled_ms == settled_ms
