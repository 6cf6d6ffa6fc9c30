"""Does a client send what the protocol says, and no more? Judged over time, given as data."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bargein.errors import ProtocolError
from bargein.protocol import MICROPHONE_RATE_HZ

JUDGED_AFTER_MS = 2_000
"""Until then as much may come as in so long."""
BURST_MS = 1_500
"""So much audio may arrive at once after a stall of the network."""
FASTEST = 1.25
"""A real clock is off by parts in a thousand; 44.1 or 48 kHz are off by a factor."""

ITEMS_PER_S = 300
"""An honest client sends about 40 packets and messages a second, 150 with the smallest packets."""
ITEMS_AT_ONCE = 1_500

JUDGED_TOGETHER = 16
"""So many chunks in a row tell whether audio comes in real time."""
HURRY = 0.6
"""What comes within this part of its own duration piled up before."""
CLEARED_AFTER_MS = 1_000
"""By then no backlog is left: a client that was silent until now has only begun to speak."""


@dataclass(slots=True)
class Backlog:
    """Audio that piled up before anybody listened comes all at once, and is of the past."""

    since_ms: float
    """When somebody began to listen."""
    over: bool = False
    _came_ms: deque[float] = field(default_factory=lambda: deque(maxlen=JUDGED_TOGETHER))

    def holds(self, duration_ms: float, now_ms: float) -> bool:
        """Whether this chunk is still of the backlog; once one is not, none is any more."""
        if now_ms - self.since_ms >= CLEARED_AFTER_MS:
            self.over = True
        elif not self.over and len(self._came_ms) == JUDGED_TOGETHER:
            real_ms = duration_ms * JUDGED_TOGETHER
            self.over = now_ms - self._came_ms[0] >= real_ms * HURRY
        self._came_ms.append(now_ms)
        return not self.over


@dataclass(slots=True)
class UplinkCount:
    """Counts packets and messages of any size: each costs the bot some time."""

    level: float = 0
    last_ms: float = 0

    def take(self, now_ms: float) -> None:
        """Count one; a `ProtocolError` with code `flood` if there are far too many."""
        drained = (now_ms - self.last_ms) * ITEMS_PER_S / 1000
        self.level = max(0.0, self.level - drained) + 1
        self.last_ms = now_ms
        if self.level > ITEMS_AT_ONCE:
            raise ProtocolError(
                "flood",
                f"more than {ITEMS_PER_S} messages and packets a second; send audio in packets "
                "of 512 samples, and each message as often as bargein/1 says",
            )


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
        elapsed_ms = max(now_ms - self.since_ms, JUDGED_AFTER_MS)
        most = MICROPHONE_RATE_HZ * (elapsed_ms * FASTEST + BURST_MS) / 1000
        if self.samples > most:
            rate_hz = self.samples * 1000 / elapsed_ms
            raise ProtocolError(
                "bad_rate",
                f"the microphone's audio comes at about {rate_hz:.0f} samples a second; "
                f"bargein/1 takes {MICROPHONE_RATE_HZ}: resample it before sending",
            )
