"""The one clock that durations come from."""

from __future__ import annotations

import time


def monotonic_ms() -> float:
    """Milliseconds of the monotonic clock; their zero means nothing."""
    return time.monotonic() * 1000
