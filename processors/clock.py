"""The one clock that durations come from."""

from __future__ import annotations

import time

STEP_NS = 125_000
"""An eighth of a millisecond: times, and what is between two of them, are exact in binary."""
NS_PER_MS = 1_000_000


def monotonic_ms() -> float:
    """Milliseconds of the monotonic clock, in steps of 1/8; their zero means nothing."""
    return time.monotonic_ns() // STEP_NS * (STEP_NS / NS_PER_MS)
