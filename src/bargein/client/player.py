"""Plays utterances one after another, in order of their ids, and counts every sample.

While the gate is muted nothing advances and the output is exact zeros; opening it goes on
at the very next sample. A starved utterance stands still, too.

In the quantum in which the gate mutes, what would have come next dies away without being
played; when it opens again the same samples come back by the opposite ramp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bargein.client.incoming import Incoming
from bargein.packet import BYTES_PER_SAMPLE, Flag, Packet

Gate = Literal["open", "hinted", "ducked", "muted"]

PRIME_MS = 40
"""An utterance begins, or goes on after it starved, when this much is there..."""
PRIME_WAIT_MS = 100
"""...or when it has waited this long with less: the server may send no more before we play."""
GAP_WAIT_MS = 80
"""So long after later samples came, those missing before them are lost, not overtaken. They are
concealed, in their own length, when it is their turn."""
LOST_WAIT_MS = 500
"""What is concealed at most, and how long to wait for an end if the next utterance is there."""
GAINS: dict[Gate, float] = {"open": 1.0, "hinted": 0.25, "ducked": 0.1, "muted": 0.0}
"""-12 dB at a hint of a voice, -20 dB while the user speaks over a bot that is not muted."""
RAMP_SAMPLES = 128
"""Between two gains there is a straight line of so many samples, so that no step is heard."""
REMEMBERED_UTTERANCES = 8
"""Positions of this many utterances that are over are remembered, for late questions."""


@dataclass(frozen=True, slots=True)
class PlayedToEnd:
    """An utterance was played to its end."""

    utterance: int
    played: int


@dataclass(frozen=True, slots=True)
class Starved:
    """It goes on after so many samples of silence; `lost` of its own are concealed."""

    utterance: int
    samples: int
    lost: int
    lost_at: int
    """Where those begin that are lost."""


@dataclass(frozen=True, slots=True)
class Played:
    """Samples of an utterance went out, so many samples into the output."""

    utterance: int
    start_sample: int
    samples: int
    offset: int


@dataclass(frozen=True, slots=True)
class Overflow:
    """Audio did not fit."""

    utterance: int


Telling = PlayedToEnd | Starved | Played | Overflow


class Player:
    """Holds what came of the current epoch; tells what becomes of it."""

    def __init__(self, rate_hz: int, tell: Callable[[Telling], None]) -> None:
        """Play at the rate of the bot's audio."""
        self.gate: Gate = "open"
        self._gain = 1.0
        self._rate_hz = rate_hz
        self._tell = tell
        self._queue: list[Incoming] = []
        self._lengths: dict[int, int] = {}
        self._dropped: dict[int, int] = {}
        self._last_finished = -1
        self._starved_samples = 0
        self._gap_at = -1
        self._gap_samples = 0

    @property
    def current(self) -> Incoming | None:
        """The utterance that plays or is the next to."""
        return self._queue[0] if self._queue else None

    def played_of(self, utterance: int) -> int:
        """How much of an utterance was played; 0 for one that never came."""
        found = self._find(utterance)
        if found is not None:
            return found.played
        return self._lengths.get(utterance, self._dropped.get(utterance, 0))

    def was_finished(self, utterance: int) -> bool:
        """Whether it is over: it was played to its end, or one behind it was."""
        return utterance <= self._last_finished

    def pass_over(self, utterance: int) -> None:
        """All before this one is over."""
        self._last_finished = utterance - 1

    def append(self, packet: Packet) -> None:
        """Take a packet of the current epoch."""
        last = Flag.LAST in packet.flags
        if packet.utterance in self._lengths:
            # Sent again although it was played: the server has not learnt that it is finished.
            if last:
                self._tell_finished(packet.utterance)
            return
        if self.was_finished(packet.utterance):
            return
        utterance = self.expect(packet.utterance, 0)
        if not utterance.append(packet.start_sample, packet.pcm, last=last):
            self._tell(Overflow(packet.utterance))

    def expect(self, utterance: int, start_sample: int) -> Incoming:
        """The utterance with this id; where it is new it will begin at `start_sample`."""
        found = self._find(utterance)
        if found is None:
            found = Incoming(utterance, self._dropped.pop(utterance, start_sample))
            self._queue.append(found)
            self._queue.sort(key=lambda each: (not each.begun, each.id))
        return found

    def drop(self) -> None:
        """Forget all audio: none of it will sound. What is sent again goes on where it was."""
        for each in self._queue:
            _remember(self._dropped, each.id, each.played)
        self._queue.clear()
        self._starved_samples = 0
        self._gap_at = -1

    def render(self, samples: int) -> bytes:
        """Give the next samples for the loudspeaker, silence where nothing plays."""
        gain = GAINS[self.gate]
        # Where nothing sounds there is nothing to fade.
        before = self._gain if self._sounds else gain
        self._gain = gain
        output = self._advance(samples) if gain else self._die_away(samples, before)
        silence = bytes(samples * BYTES_PER_SAMPLE - len(output))
        return ramped(output, before, gain, samples) + silence

    @property
    def _sounds(self) -> bool:
        return bool(self._queue) and self._queue[0].begun and self._queue[0].primed

    def _die_away(self, samples: int, before: float) -> bytes:
        return self._queue[0].peek(samples) if before else b""

    def _advance(self, samples: int) -> bytes:
        output = bytearray()
        if self._queue:
            self._watch_gap(self._queue[0], samples)
        while self._queue and (done := len(output) // BYTES_PER_SAMPLE) < samples:
            head = self._queue[0]
            if head.finished:
                self._finish(head)
            elif self._ready(head):
                output += self._play(head, samples - done, done)
            elif not self._starve(head, samples - done):
                break
        if self._queue and self._queue[0].finished:
            self._finish(self._queue[0])
        return bytes(output)

    def _play(self, head: Incoming, samples: int, offset: int) -> bytes:
        start_sample = head.played
        pcm = head.read(samples)
        if pcm:
            head.begun = True
            self._tell(Played(head.id, start_sample, head.played - start_sample, offset))
        else:
            head.primed = False
        return pcm

    def _ready(self, head: Incoming) -> bool:
        if not head.primed and (head.ended or self._ms(head.available) >= PRIME_MS):
            self._prime(head)
        return head.primed

    def _prime(self, head: Incoming, lost: int = 0, lost_at: int = 0) -> None:
        if head.begun and (self._starved_samples or lost):
            self._tell(Starved(head.id, self._starved_samples, lost, lost_at))
        head.primed = True
        self._starved_samples = 0

    def _starve(self, head: Incoming, samples: int) -> bool:
        """Stand still for so many samples; True if there is something to play after all."""
        if head.gapped and self._bridge(head):
            return True
        self._starved_samples += samples
        waited_ms = self._ms(self._starved_samples)
        if head.available:
            if waited_ms < PRIME_WAIT_MS:
                return False
            self._prime(head)
            return True
        if head.gapped or waited_ms < LOST_WAIT_MS or len(self._queue) == 1:
            return False
        # The next one is here already, so this one's end was lost.
        self._finish(head)
        return True

    def _watch_gap(self, head: Incoming, samples: int) -> None:
        """Count for how long later samples have been there; a gap is known by where it begins."""
        if head.gapped and head.end == self._gap_at:
            self._gap_samples += samples
        else:
            self._gap_at, self._gap_samples = head.end, 0

    def _bridge(self, head: Incoming) -> bool:
        """Conceal what is missing, once it can hardly come any more."""
        if self._ms(self._gap_samples) < GAP_WAIT_MS:
            return False
        head.begun = True
        most_samples = LOST_WAIT_MS * self._rate_hz // 1000
        lost_at = head.end
        self._prime(head, head.conceal(most_samples, self._rate_hz), lost_at)
        return True

    def _finish(self, head: Incoming) -> None:
        self._queue.pop(0)
        self._starved_samples = 0
        _remember(self._lengths, head.id, head.played)
        self._last_finished = max(self._last_finished, head.id)
        self._queue = [each for each in self._queue if each.id > head.id]
        self._tell_finished(head.id)

    def _tell_finished(self, utterance: int) -> None:
        self._tell(PlayedToEnd(utterance, self._lengths[utterance]))

    def _find(self, utterance: int) -> Incoming | None:
        return next((each for each in self._queue if each.id == utterance), None)

    def _ms(self, samples: int) -> float:
        return samples * 1000 / self._rate_hz


def _remember(positions: dict[int, int], utterance: int, played: int) -> None:
    positions[utterance] = played
    if len(positions) > REMEMBERED_UTTERANCES:
        del positions[next(iter(positions))]


def ramped(pcm: bytes, before: float, gain: float, quantum_samples: int) -> bytes:
    """PCM16 led from one gain to the other, which the quantum's last sample has exactly."""
    if before == gain == 1 or not pcm:
        return pcm
    samples = np.frombuffer(pcm, dtype="<i2")
    steps = np.minimum(np.arange(1, len(samples) + 1) / min(RAMP_SAMPLES, quantum_samples), 1)
    gains = before + (gain - before) * steps
    return np.rint(samples * gains).astype("<i2").tobytes()
