"""What carries data between caller and bot: nothing, or a simulated network in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bargein.processors.clock import monotonic_ms
from bargein.rehearsal.network import Network, NetworkSettings

Deliver = Callable[[str | bytes], None]


class Wire:
    """One direction; without settings it delivers at once."""

    def __init__(self, settings: NetworkSettings | None, seed: int, deliver: Deliver) -> None:
        """Carry to `deliver`."""
        self._network = Network(settings, seed) if settings else None
        self._deliver = deliver
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: str | bytes) -> None:
        """Put something on its way."""
        if self._network is None:
            self._deliver(data)
            return
        self._network.send(data, monotonic_ms())
        self._wait()

    def cut(self) -> None:
        """Nothing arrives any more."""
        if self._timer:
            self._timer.cancel()
        if self._network:
            self._network.clear()

    def _wait(self) -> None:
        assert self._network is not None
        if self._timer:
            self._timer.cancel()
        due_ms = self._network.next_due_ms()
        if due_ms is not None:
            wait_s = max(0.0, due_ms - monotonic_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._arrive)

    def _arrive(self) -> None:
        assert self._network is not None
        for data in self._network.due(monotonic_ms()):
            self._deliver(data)
        self._wait()
