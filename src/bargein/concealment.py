"""What a listener hears in place of a lost piece of the bot's voice.

The last period of the voice is repeated and dies away within 60 ms, as in ITU-T G.711 Appendix I;
what comes behind the loss is led in over 5 ms. All is counted in whole numbers, so that the twin of
this in the browser, `transports/client/engine/concealment.js`, makes the very same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

SHORTEST_PERIOD_US = 2_500
"""400 Hz: higher voices are heard with two periods for one."""
LONGEST_PERIOD_US = 15_000
"""67 Hz, a deep voice."""
COMPARED_US = 10_000
"""So much of the end is held against what was one period before."""
FADE_US = 60_000
"""Longer, and a repeated period sounds like a machine."""
LEAD_IN_US = 5_000
US_PER_S = 1_000_000


def samples_of(duration_us: int, rate_hz: int) -> int:
    """How many samples last so long."""
    return duration_us * rate_hz // US_PER_S


def history_samples(rate_hz: int) -> int:
    """So much of what came before is needed."""
    return samples_of(LONGEST_PERIOD_US, rate_hz) + samples_of(COMPARED_US, rate_hz)


def lead_in_samples(rate_hz: int) -> int:
    """So many samples behind a loss are mixed with what stands in for it."""
    return samples_of(LEAD_IN_US, rate_hz)


def conceal(history: Pcm, samples: int, rate_hz: int) -> Pcm:
    """So many samples that may have followed; `history` has `history_samples` of them."""
    period = _period(history.astype(np.int64), rate_hz)
    place = np.arange(samples)
    gains = np.maximum(0.0, 1 - place / samples_of(FADE_US, rate_hz))
    return _rounded(history[-period:][place % period].astype(np.float64) * gains)


def led_in(came: Pcm, made: Pcm) -> Pcm:
    """What came behind a loss, led in from what `conceal` makes of the same samples."""
    mixed = came.copy()
    share = np.arange(1, len(made) + 1) / (len(made) + 1)
    mixed[: len(made)] = _rounded(came[: len(made)] * share + made * (1 - share))
    return mixed


def _period(history: NDArray[np.int64], rate_hz: int) -> int:
    """The lag at which the end is most like what was before it."""
    compared = samples_of(COMPARED_US, rate_hz)
    end = history[-compared:]
    lags = range(
        samples_of(SHORTEST_PERIOD_US, rate_hz), samples_of(LONGEST_PERIOD_US, rate_hz) + 1
    )
    unlike = [int(np.abs(end - history[-compared - lag : -lag]).sum()) for lag in lags]
    return lags[unlike.index(min(unlike))]


def _rounded(samples: NDArray[np.float64]) -> Pcm:
    return np.floor(samples + 0.5).astype(np.int16)
