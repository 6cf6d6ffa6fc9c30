"""What the control plane counts, for Prometheus; labels are words of this program alone."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bargein.control.room import Worker


class Counts:
    """A registry of its own for each API."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """Begin at zero."""
        registry = self._registry = CollectorRegistry()
        self.tokens = Counter(
            "bargein_control_tokens", "Tokens that were given out.", registry=registry
        )
        self.refused = Counter(
            "bargein_control_refused", "Requests that were refused.", ["code"], registry=registry
        )
        self._sessions = Gauge(
            "bargein_worker_sessions",
            "Sessions of a worker, those that are on their way to it included.",
            ["worker"],
            registry=registry,
        )
        self._capacity = Gauge(
            "bargein_worker_capacity", "What it takes.", ["worker"], registry=registry
        )
        self._draining = Gauge(
            "bargein_worker_draining", "1 if it takes none.", ["worker"], registry=registry
        )
        self._tokens_refused = Gauge(
            "bargein_worker_tokens_refused",
            "Tokens that a worker refused since its start.",
            ["worker", "why"],
            registry=registry,
        )

    def text(self, workers: Iterable[Worker]) -> bytes:
        """Give all of it, with the workers as they are now."""
        for gauge in (self._sessions, self._capacity, self._draining, self._tokens_refused):
            gauge.clear()
        for worker in workers:
            self._sessions.labels(worker.id).set(worker.load)
            self._capacity.labels(worker.id).set(worker.capacity)
            self._draining.labels(worker.id).set(worker.is_draining)
            for why, count in worker.refused.items():
                self._tokens_refused.labels(worker.id, why).set(count)
        return generate_latest(self._registry)
