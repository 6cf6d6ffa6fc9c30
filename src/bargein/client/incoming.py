"""One utterance on its way to the loudspeaker: what came of it, and how far it was played.

What comes twice is trimmed, what comes early waits for what is missing, so that the
server may always send again from any earlier sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bargein.concealment import conceal, history_samples, lead_in_samples, led_in
from bargein.packet import BYTES_PER_SAMPLE

MOST_AHEAD_SAMPLES = 1 << 21
"""87 s at 24 kHz; a server that paces never comes near it."""
TRIM_BYTES = 1 << 16
"""Played audio is forgotten in blocks of this size..."""
KEPT_BYTES = 1 << 13
"""...but for so much: what a loss is concealed with."""


class Incoming:
    """Positions are samples of the utterance at the bot's rate; audio is PCM16."""

    def __init__(self, utterance: int, start_sample: int) -> None:
        """Begin at this sample: 0 but for one that is taken up again."""
        self.id = utterance
        self.played = start_sample
        """The next sample to play: how many were played."""
        self.end = start_sample
        """All samples before this one are here, or were played."""
        self.total: int | None = None
        """Its length, once the server has told it."""
        self.begun = False
        """Its first sample went out."""
        self.primed = False
        """Enough is there to play on."""
        self._pcm = bytearray()
        self._base = start_sample
        self._ahead: list[tuple[int, bytes]] = []

    @property
    def available(self) -> int:
        """Samples that can be played now."""
        end = self.end if self.total is None else min(self.end, self.total)
        return max(0, end - self.played)

    @property
    def ended(self) -> bool:
        """Everything is here."""
        return self.total is not None and self.end >= self.total

    @property
    def finished(self) -> bool:
        """Everything was played."""
        return self.ended and not self.available

    @property
    def gapped(self) -> bool:
        """Later samples are here while some before them are missing."""
        return bool(self._ahead)

    @property
    def gap_samples(self) -> int:
        """So many are missing before the next that are here."""
        return self._ahead[0][0] - self.end if self._ahead else 0

    def append(self, start_sample: int, pcm: bytes, *, last: bool) -> bool:
        """Take what came; what is here already is trimmed. False where it is too far ahead."""
        samples = len(pcm) // BYTES_PER_SAMPLE
        if start_sample + samples - self.played > MOST_AHEAD_SAMPLES:
            return False
        if last:
            self.total = start_sample + samples
        if start_sample > self.end:
            if samples:
                self._ahead.append((start_sample, pcm))
                self._ahead.sort(key=lambda early: early[0])
            return True
        self._join(start_sample, pcm)
        while self._ahead and self._ahead[0][0] <= self.end:
            self._join(*self._ahead.pop(0))
        return True

    def conceal(self, most_samples: int, rate_hz: int) -> int:
        """Fill what is missing with what may have sounded, and go on; gives how much is lost.

        What is missing before the last `most_samples` is left out.
        """
        start_sample, pcm = self._ahead.pop(0)
        lost = start_sample - self.end
        missing = min(lost, most_samples)
        lead_in = min(lead_in_samples(rate_hz), len(pcm) // BYTES_PER_SAMPLE)
        made = conceal(self._history(rate_hz), missing + lead_in, rate_hz)
        if missing < lost:
            self._pcm.clear()
            self.played = self.end = self._base = start_sample - missing
        self._join(self.end, made[:missing].astype("<i2").tobytes())
        came = led_in(np.frombuffer(pcm, "<i2").astype(np.int16), made[missing:])
        self.append(start_sample, came.astype("<i2").tobytes(), last=False)
        return lost

    def _history(self, rate_hz: int) -> NDArray[np.int16]:
        wanted_bytes = history_samples(rate_hz) * BYTES_PER_SAMPLE
        return np.frombuffer(bytes(self._pcm[-wanted_bytes:]).rjust(wanted_bytes, b"\0"), np.int16)

    def peek(self, samples: int) -> bytes:
        """What comes next, as far as it is here, without playing it."""
        first = (self.played - self._base) * BYTES_PER_SAMPLE
        return bytes(self._pcm[first : first + min(samples, self.available) * BYTES_PER_SAMPLE])

    def read(self, samples: int) -> bytes:
        """Play at most so many samples, as far as they are here."""
        first = (self.played - self._base) * BYTES_PER_SAMPLE
        count = min(samples, self.available)
        pcm = bytes(self._pcm[first : first + count * BYTES_PER_SAMPLE])
        self.played += len(pcm) // BYTES_PER_SAMPLE
        if first + len(pcm) >= TRIM_BYTES:
            over_bytes = first + len(pcm) - KEPT_BYTES
            del self._pcm[:over_bytes]
            self._base += over_bytes // BYTES_PER_SAMPLE
        return pcm

    def _join(self, start_sample: int, pcm: bytes) -> None:
        new = pcm[(self.end - start_sample) * BYTES_PER_SAMPLE :]
        self._pcm += new
        self.end += len(new) // BYTES_PER_SAMPLE
