"""How often one peer may ask: a bucket of tokens for each, filled by time, which is data."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

MS_PER_S = 1000.0
IPV6_PREFIX = 64
"""Whoever has one address of such a network has all of them."""
MOST_PEERS = 10_000
"""Fewer than 2 MB; above it the fullest buckets are forgotten, which forgives nobody much."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second in the long run."""

    burst: float
    per_s: float


class Limits:
    """The buckets of all peers; each is full at first."""

    def __init__(self, rate: Rate, *, most_peers: int = MOST_PEERS) -> None:
        """Begin with nobody known."""
        self._rate, self._most_peers = rate, most_peers
        self._left: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        """Count the peers that are known."""
        return len(self._left)

    def take(self, peer: str, now_ms: float) -> float:
        """Take one; gives 0 if there was one, else the seconds until there is."""
        left = self._now(peer, now_ms)
        if left < 1:
            self._left[peer] = (left, now_ms)
            return (1 - left) / self._rate.per_s
        self._left[peer] = (left - 1, now_ms)
        if len(self._left) > self._most_peers:
            self._forget(now_ms)
        return 0.0

    def allows(self, peer: str, now_ms: float) -> bool:
        """Whether there is one; takes none."""
        return self._now(peer, now_ms) >= 1

    def _now(self, peer: str, now_ms: float) -> float:
        left, at_ms = self._left.get(peer, (self._rate.burst, now_ms))
        gained = max(0.0, now_ms - at_ms) / MS_PER_S * self._rate.per_s
        return min(self._rate.burst, left + gained)

    def _forget(self, now_ms: float) -> None:
        """Keep the emptier half: those who have asked most."""
        emptiest = sorted(self._left, key=lambda peer: self._now(peer, now_ms))
        self._left = {peer: self._left[peer] for peer in emptiest[: self._most_peers // 2]}


def peer_of(address: str | None) -> str:
    """Give who stands behind an address: the address itself, or the network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
