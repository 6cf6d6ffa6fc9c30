"""Is the microphone's audio what the protocol says? Rates are judged over time, given as data."""

from __future__ import annotations

from dataclasses import dataclass

from bargein.errors import ProtocolError
from bargein.protocol import MICROPHONE_RATE_HZ

JUDGED_AFTER_MS = 2_000
BURST_MS = 1_500
"""So much audio may arrive at once after a stall of the network."""
FASTEST = 1.25
"""A real clock is off by parts in a thousand; 44.1 or 48 kHz are off by a factor."""


@dataclass(slots=True)
class UplinkRate:
    """Counts what a microphone sends against the clock."""

    since_ms: float | None = None
    samples: int = 0

    def take(self, samples: int, now_ms: float) -> None:
        """Count samples; a `ProtocolError` with code `bad_rate` if they come far too fast."""
        if self.since_ms is None:
            self.since_ms = now_ms
        self.samples += samples
        elapsed_ms = now_ms - self.since_ms
        if elapsed_ms < JUDGED_AFTER_MS:
            return
        most = MICROPHONE_RATE_HZ * (elapsed_ms * FASTEST + BURST_MS) / 1000
        if self.samples > most:
            rate_hz = self.samples * 1000 / elapsed_ms
            raise ProtocolError(
                "bad_rate",
                f"the microphone's audio comes at about {rate_hz:.0f} samples a second; "
                f"bargein/1 takes {MICROPHONE_RATE_HZ}: resample it before sending",
            )
