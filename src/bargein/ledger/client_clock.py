"""How far the client's clock is from the server's, by the pings that took the least time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bargein.ledger.entries import Latency

KEPT = 8
"""Pings; clocks drift, so the best of an hour ago is worth nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one ping and its pong told the client."""

    round_trip_ms: float
    offset_ms: float
    """The server's clock is so far ahead; wrong by at most half the round trip."""


@dataclass(slots=True)
class ClientClock:
    """Turns a time of the client's into the server's."""

    measured: deque[Measured] = field(default_factory=lambda: deque(maxlen=KEPT))

    def take(self, round_trip_ms: float, offset_ms: float) -> None:
        """The client tells what its last ping measured."""
        self.measured.append(Measured(round_trip_ms, offset_ms))

    def latency(self, client_ms: float, server_ms: float) -> Latency | None:
        """Estimate what passed between the two moments; None while no ping was measured."""
        if not self.measured:
            return None
        best = min(self.measured, key=lambda each: each.round_trip_ms)
        passed_ms = server_ms - (client_ms + best.offset_ms)
        return Latency(
            detected_to_acknowledged_ms=round(passed_ms, 3),
            error_ms=round(best.round_trip_ms / 2, 3),
        )
