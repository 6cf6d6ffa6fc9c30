"""A microphone that comes as datagrams: put in order, and what is lost made silence of its length.

So whoever listens behind it gets one sample after the other, and its count of samples stays the
speaker's own. There is no clock: the microphone sends all the time, so what has come since says
how late a missing packet is.
"""

from __future__ import annotations

from bargein.packet import BYTES_PER_SAMPLE

MOST_AHEAD = 2
"""A packet is lost once so many came that were sent after it: 64 ms, at 32 ms a packet."""
MOST_SILENCE_SAMPLES = 8_000
"""What is lost in one piece is silence, but no more than this: 500 ms at 16 kHz."""
RESTART_SAMPLES = 32_000
"""A count that is so far behind (2 s at 16 kHz) is no late packet's: the client counts anew."""


class Mender:
    """Positions are samples since the microphone was opened; audio is PCM16 mono."""

    def __init__(self) -> None:
        """Begin with whatever comes first."""
        self.lost_samples = 0
        """So many never came, or too late."""
        self._next: int | None = None
        self._early: dict[int, bytes] = {}

    def take(self, start_sample: int, pcm: bytes) -> list[tuple[int, bytes]]:
        """Take what came; gives what can be listened to now, each piece with its first sample."""
        samples = len(pcm) // BYTES_PER_SAMPLE
        if self._next is None or start_sample + samples < self._next - RESTART_SAMPLES:
            self._next = start_sample
            self._early.clear()
        if samples and start_sample + samples > self._next:
            self._early[start_sample] = pcm
        return self._ready(self._next)

    def _ready(self, at_sample: int) -> list[tuple[int, bytes]]:
        """Give what follows without a gap, and what is behind one that was waited for enough."""
        found: list[tuple[int, bytes]] = []
        while self._early:
            first = min(self._early)
            gap_samples = first - at_sample
            if gap_samples > 0 and len(self._early) <= MOST_AHEAD:
                break
            if gap_samples > 0:
                self.lost_samples += gap_samples
                silence_samples = min(gap_samples, MOST_SILENCE_SAMPLES)
                found.append((first - silence_samples, bytes(silence_samples * BYTES_PER_SAMPLE)))
                at_sample = first
            pcm = self._early.pop(first)[(at_sample - first) * BYTES_PER_SAMPLE :]
            if pcm:
                found.append((at_sample, pcm))
            at_sample += len(pcm) // BYTES_PER_SAMPLE
        self._next = at_sample
        return found
