"""The bot's voice on a track that carries sound and nothing else: what stands where in it.

A track has no packets, no epochs and no positions: it plays on, whatever is put into it. So
for each chunk that goes in, a `Mark` is told beside the track: which samples of which utterance
stand at which sample of the track, and the outline of their levels, by which a listener finds
the place again in what comes out. What was not handed out yet is still here, and can be
stopped, dropped or sent again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from bargein.noise import level_db
from bargein.outlet import Stretch
from bargein.packet import BYTES_PER_SAMPLE, Flag, Packet
from bargein.protocol import (
    MAX_OUTLINE_LEVELS,
    OUTLINE_LOWEST_DB,
    OUTLINE_MS,
    OUTLINE_STEPS_PER_DB,
    Mark,
)

CHUNK_MS = 20
LEVELS_A_CHUNK = CHUNK_MS // OUTLINE_MS
GUARD_CHUNKS = 2
"""Silence before the first audio of a new epoch: wider than a listener's error, so that nothing
of the old one is heard where the new one begins."""
WAIT_CHUNKS = 3
"""Less than a chunk waits so long for the rest of it."""
MARKS_AT_ONCE = 3
"""Chunks that one mark tells of, but for the first: 17 messages a second while the bot speaks. A
listener can't find the place of what it was not told of yet."""
MOST_LEVELS = min(MAX_OUTLINE_LEVELS, MARKS_AT_ONCE * LEVELS_A_CHUNK)


def outline(pcm: bytes) -> str:
    """Give the levels of a chunk of PCM16, as a mark tells them."""
    parts = np.array_split(np.frombuffer(pcm, "<i2"), LEVELS_A_CHUNK)
    levels = (level_db(part.tobytes(), OUTLINE_LOWEST_DB) for part in parts)
    return "".join(f"{round(OUTLINE_STEPS_PER_DB * (db - OUTLINE_LOWEST_DB)):02x}" for db in levels)


@dataclass(slots=True)
class MarkedTrack:
    """Holds what comes for the track, and gives it chunk by chunk, each with its mark."""

    rate_hz: int
    epoch: int = 1
    muted: bool = False
    track_samples: int = 0
    """So many went into the track."""
    _waiting: deque[Stretch] = field(default_factory=deque)
    _end: tuple[int, int] = (0, 0)
    """Utterance and sample up to which audio of this epoch came."""
    _guard: int = 0
    _waited: int = 0

    @property
    def chunk_samples(self) -> int:
        """How many samples make a chunk."""
        return self.rate_hz * CHUNK_MS // 1000

    def put(self, packet: Packet) -> None:
        """Take a packet; what is of an older epoch, or came already, is dropped."""
        if packet.epoch < self.epoch:
            return
        pcm, start = packet.pcm, packet.start_sample
        utterance, end = self._end
        if packet.utterance == utterance and start < end:
            pcm, start = pcm[(end - start) * BYTES_PER_SAMPLE :], end
        last = Flag.LAST in packet.flags
        if not pcm and not last:
            return
        self._waiting.append(Stretch(packet.utterance, start, pcm, last))
        self._end = packet.utterance, start + len(pcm) // BYTES_PER_SAMPLE

    def take(self) -> tuple[bytes, Mark | None]:
        """Give the next chunk, filled up with silence; no mark where all of it is silence."""
        begin = self.track_samples
        self.track_samples += self.chunk_samples
        part = self._next()
        if part is None:
            return bytes(self.chunk_samples * BYTES_PER_SAMPLE), None
        pcm = part.pcm.ljust(self.chunk_samples * BYTES_PER_SAMPLE, b"\0")
        mark = Mark(
            epoch=self.epoch,
            track_sample=begin,
            utterance=part.utterance,
            start_sample=part.start_sample,
            samples=len(part.pcm) // BYTES_PER_SAMPLE,
            last=part.last,
            outline=outline(pcm),
        )
        return pcm, mark

    def mute(self) -> None:
        """Hand out nothing more, keep what waits."""
        self.muted = True

    def restart(self, epoch: int) -> None:
        """A verdict began an epoch: what waits is void, what comes may sound."""
        if epoch > self.epoch:
            self.epoch = epoch
            self._waiting.clear()
            self._end = (0, 0)
            self._guard = GUARD_CHUNKS
        self.muted = False

    def _next(self) -> Stretch | None:
        """Take up to a chunk that follows one another in one utterance."""
        if self._guard:
            self._guard -= 1
            return None
        if self.muted or not self._waiting:
            return None
        self._join()
        head = self._waiting[0]
        whole = self.chunk_samples * BYTES_PER_SAMPLE
        short = len(head.pcm) < whole and not head.last and len(self._waiting) == 1
        if short and self._waited < WAIT_CHUNKS:
            self._waited += 1
            return None
        self._waited = 0
        return self._cut(head, whole)

    def _join(self) -> None:
        """Lay together at the front what follows one another, until it makes a chunk."""
        whole = self.chunk_samples * BYTES_PER_SAMPLE
        while len(self._waiting) > 1 and len(self._waiting[0].pcm) < whole:
            head, after = self._waiting[0], self._waiting[1]
            follows = head.start_sample + len(head.pcm) // BYTES_PER_SAMPLE == after.start_sample
            if head.last or head.utterance != after.utterance or not follows:
                return
            head.pcm += after.pcm
            head.last = after.last
            del self._waiting[1]

    def _cut(self, head: Stretch, most_bytes: int) -> Stretch:
        if len(head.pcm) <= most_bytes:
            return self._waiting.popleft()
        part = Stretch(head.utterance, head.start_sample, head.pcm[:most_bytes], last=False)
        head.pcm = head.pcm[most_bytes:]
        head.start_sample += most_bytes // BYTES_PER_SAMPLE
        return part


@dataclass(slots=True)
class MarkBatch:
    """Lays marks together: the first of a stretch is told at once, the rest a few at a time."""

    _open: Mark | None = None
    """Not told yet."""
    _told: Mark | None = None

    def add(self, mark: Mark | None) -> list[Mark]:
        """Take the next chunk's mark, or None for silence; gives what is to be told now."""
        if mark and self._open and _follows(self._open, mark):
            self._open = _joined(self._open, mark)
            return self._tell_if_full()
        due = self._tell()
        if mark is None:
            self._told = None
            return due
        goes_on = self._told is not None and _follows(self._told, mark)
        self._open = mark
        return due + (self._tell_if_full() if goes_on else self._tell())

    def _tell_if_full(self) -> list[Mark]:
        full = self._open and (self._open.last or len(self._open.outline) // 2 >= MOST_LEVELS)
        return self._tell() if full else []

    def _tell(self) -> list[Mark]:
        if self._open is None:
            return []
        self._told, self._open = self._open, None
        return [self._told]


def _follows(mark: Mark, after: Mark) -> bool:
    """Whether one goes on in track and utterance where the other ends."""
    same = (mark.epoch, mark.utterance) == (after.epoch, after.utterance) and not mark.last
    ends = mark.track_sample + mark.samples, mark.start_sample + mark.samples
    return same and ends == (after.track_sample, after.start_sample)


def _joined(mark: Mark, after: Mark) -> Mark:
    return mark.model_copy(
        update={
            "samples": mark.samples + after.samples,
            "last": after.last,
            "outline": mark.outline + after.outline,
        }
    )
