"""One direction of a simulated network; the same seed gives the same network.

`ordered` is how a WebSocket behaves: what is lost comes later, and holds up all behind it.
Otherwise each item travels alone, like a datagram: it may be lost, doubled and overtaken.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from random import Random

BITS = 8
RETRANSMIT_MS = 200
"""TCP sends again after this long at the least (TCP_RTO_MIN of Linux)..."""
MOST_RETRANSMITS = 6
"""...twice as long each time, and so often here at the most: nothing waits for ever."""
HELD_BACK_MS = 60
"""How long a reordered datagram is held back: three packets of 20 ms overtake it."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What a direction does to what is sent through it; probabilities are between 0 and 1."""

    delay_ms: float = 20
    jitter_ms: float = 0
    """Up to so much is added to the delay, evenly spread."""
    loss: float = 0
    duplicate: float = 0
    reorder: float = 0
    bandwidth_kbps: float | None = None
    """What is more waits; None has no bound."""
    outages: tuple[tuple[float, float], ...] = ()
    """From and until, in ms of the caller's clock: what is sent meanwhile is lost (or waits)."""
    ordered: bool = True


class Network:
    """Takes what is sent, gives what is due."""

    def __init__(self, settings: NetworkSettings, seed: int = 0) -> None:
        """Begin with nothing on its way."""
        self.settings = settings
        self._random = Random(seed)
        self._on_their_way: list[tuple[float, int, str | bytes]] = []
        self._sent = 0
        self._free_ms = float("-inf")
        self._latest_ms = float("-inf")

    def send(self, data: str | bytes, now_ms: float) -> None:
        """Put something on its way; what is sent during an outage is lost, or waits for its end."""
        sent_ms = self._leave(data, now_ms)
        if self.settings.ordered:
            self._latest_ms = max(self._latest_ms, self._arrival_in_order_ms(sent_ms))
            self._arrive(data, self._latest_ms)
            return
        copies = 2 if self._chance(self.settings.duplicate) else 1
        for _ in range(copies):
            if not self._chance(self.settings.loss) and self._outage_end_ms(sent_ms) is None:
                held_ms = HELD_BACK_MS if self._chance(self.settings.reorder) else 0
                self._arrive(data, sent_ms + self._trip_ms() + held_ms)

    def due(self, now_ms: float) -> list[str | bytes]:
        """Give, and forget, what has arrived by now, in the order of arrival."""
        arrived = []
        while self._on_their_way and self._on_their_way[0][0] <= now_ms:
            arrived.append(heapq.heappop(self._on_their_way)[2])
        return arrived

    def next_due_ms(self) -> float | None:
        """When the next item arrives; None while nothing is on its way."""
        return self._on_their_way[0][0] if self._on_their_way else None

    def pending_ms(self) -> list[float]:
        """When each of the items on their way arrives."""
        return sorted(at_ms for at_ms, _, _ in self._on_their_way)

    def clear(self) -> None:
        """The connection is gone, and what was on its way with it."""
        self._on_their_way.clear()
        self._free_ms = self._latest_ms = float("-inf")

    def _leave(self, data: str | bytes, now_ms: float) -> float:
        """When the item has left, behind all that waits for the same bandwidth."""
        kbps = self.settings.bandwidth_kbps
        if kbps is None:
            return now_ms
        size_bytes = len(data.encode() if isinstance(data, str) else data)
        self._free_ms = max(self._free_ms, now_ms) + size_bytes * BITS / kbps
        return self._free_ms

    def _arrival_in_order_ms(self, sent_ms: float) -> float:
        again_ms: float = RETRANSMIT_MS
        for _ in range(MOST_RETRANSMITS):
            if not self._chance(self.settings.loss):
                break
            sent_ms += again_ms
            again_ms *= 2
        outage_end_ms = self._outage_end_ms(sent_ms)
        return (sent_ms if outage_end_ms is None else outage_end_ms) + self._trip_ms()

    def _outage_end_ms(self, now_ms: float) -> float | None:
        outages = self.settings.outages
        ends = [until_ms for from_ms, until_ms in outages if from_ms <= now_ms < until_ms]
        return max(ends, default=None)

    def _trip_ms(self) -> float:
        return self.settings.delay_ms + self._random.random() * self.settings.jitter_ms

    def _arrive(self, data: str | bytes, at_ms: float) -> None:
        self._sent += 1
        heapq.heappush(self._on_their_way, (at_ms, self._sent, data))

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability
