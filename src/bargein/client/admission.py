"""Which of the bot's audio may play: only that of the current epoch.

Audio of an older epoch was flushed and must never sound. Audio of a newer one has
overtaken its verdict, and is kept until the verdict comes.
"""

from __future__ import annotations

from bargein.packet import Packet

KEPT_MS = 2000
"""How much audio is kept ahead of its verdict."""


class Admission:
    """Holds the client's epoch."""

    def __init__(self, epoch: int, rate_hz: int) -> None:
        """Begin with the epoch that the server named; the rate is that of the bot's audio."""
        self.epoch = epoch
        self._most_samples = KEPT_MS * rate_hz // 1000
        self._kept: list[Packet] = []
        self._kept_samples = 0

    def admits(self, packet: Packet) -> bool:
        """Whether it plays now; else it was kept or refused."""
        fits = self._kept_samples + packet.samples <= self._most_samples
        if packet.epoch > self.epoch and fits:
            self._kept.append(packet)
            self._kept_samples += packet.samples
        return packet.epoch == self.epoch

    def advance(self, epoch: int) -> list[Packet]:
        """A verdict has come; gives what was kept for this epoch, in order of arrival."""
        self.epoch = epoch
        released = [packet for packet in self._kept if packet.epoch == epoch]
        self._kept = [packet for packet in self._kept if packet.epoch > epoch]
        self._kept_samples = sum(packet.samples for packet in self._kept)
        return released
