"""The bot's voice at a client that plays whatever it is sent: handed out as time asks for it.

Such a client can neither be muted nor asked what it has played. What was handed out is on
its way and will sound; what was not is still here, and stops, goes on or is dropped to the
sample. So the count of what was handed out is what the listener will have heard, short of
losses on the way: an estimate only in that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bargein.packet import BYTES_PER_SAMPLE, Flag, Packet


@dataclass(frozen=True, slots=True)
class Position:
    """How much of an utterance was handed out."""

    utterance: int = 0
    samples: int = 0
    finished: bool = False
    """It was handed out to its last sample."""


@dataclass(slots=True)
class Stretch:
    """Audio that waits."""

    utterance: int
    start_sample: int
    pcm: bytes
    last: bool


@dataclass(slots=True)
class Outlet:
    """Holds the packets of the present epoch until somebody asks for their audio."""

    epoch: int = 1
    muted: bool = False
    position: Position = Position()
    """Of the utterance from which something was handed out last."""
    _waiting: deque[Stretch] = field(default_factory=deque)

    def put(self, packet: Packet) -> None:
        """Take a packet; one of an older epoch is stale and dropped."""
        if packet.epoch < self.epoch:
            return
        last = Flag.LAST in packet.flags
        self._waiting.append(Stretch(packet.utterance, packet.start_sample, packet.pcm, last))

    def take(self, samples: int) -> tuple[bytes, list[Position]]:
        """Give exactly so much audio, filled up with silence; and what that makes of positions.

        There is one position for each utterance of which something was handed out.
        """
        given = bytearray()
        moved: dict[int, Position] = {}
        while not self.muted and self._waiting and len(given) < samples * BYTES_PER_SAMPLE:
            head = self._waiting[0]
            part = head.pcm[: samples * BYTES_PER_SAMPLE - len(given)]
            given += part
            head.pcm = head.pcm[len(part) :]
            head.start_sample += len(part) // BYTES_PER_SAMPLE
            if not head.pcm:
                self._waiting.popleft()
            finished = head.last and not head.pcm
            self.position = Position(head.utterance, head.start_sample, finished)
            moved[head.utterance] = self.position
        given += bytes(samples * BYTES_PER_SAMPLE - len(given))
        return bytes(given), list(moved.values())

    def mute(self, utterance: int) -> Position:
        """Hand out nothing more, keep what waits; gives where it stopped in this utterance."""
        self.muted = True
        return self.position if self.position.utterance >= utterance else Position(utterance)

    def restart(self, epoch: int) -> None:
        """A verdict began an epoch: what waits is void, what comes may sound."""
        if epoch > self.epoch:
            self.epoch = epoch
            self._waiting.clear()
        self.muted = False

    @property
    def waiting_samples(self) -> int:
        """How much audio waits."""
        return sum(len(each.pcm) for each in self._waiting) // BYTES_PER_SAMPLE
