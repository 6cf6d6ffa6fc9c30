"""Which worker gets a session, and which worker is taken for dead."""

from __future__ import annotations

from collections.abc import Container, Iterable

from bargein.control.room import Worker

SILENT_MS = 5_000
"""A worker beats each second; one that has not for so long can't be trusted with a new session."""
DEAD_MS = 20_000
"""One that has not for so long hangs, or its machine has lost it; its talks are over anyhow."""


def choose(workers: Iterable[Worker], *, silent: Container[str] = ()) -> Worker | None:
    """Give the least loaded one that has room, by its share; None if nobody takes a session."""
    able = [
        each
        for each in workers
        if not each.is_draining and each.load < each.capacity and each.id not in silent
    ]
    return min(able, key=lambda each: (each.load / each.capacity, each.id), default=None)


class Pulse:
    """Knows by the reader's own clock for how long each worker has been silent.

    Clocks of two machines, or one that is set, do no harm: beats are counts, not times.
    """

    def __init__(self) -> None:
        """Know of nobody."""
        self._seen: dict[str, tuple[int, float]] = {}

    def look(self, workers: Iterable[Worker], now_ms: float) -> None:
        """Take note of all workers that there are."""
        seen, self._seen = self._seen, {}
        for worker in workers:
            beat, since_ms = seen.get(worker.id, (worker.beat, now_ms))
            self._seen[worker.id] = (
                worker.beat,
                since_ms if beat == worker.beat else now_ms,
            )

    def silent(self, now_ms: float, for_ms: float = SILENT_MS) -> frozenset[str]:
        """Name the workers that have not beaten for so long."""
        return frozenset(id_ for id_, (_, at_ms) in self._seen.items() if now_ms - at_ms >= for_ms)
