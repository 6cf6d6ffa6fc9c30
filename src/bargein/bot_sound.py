"""What the bot has said, on the server's clock: the reference that echo is looked for in.

The clock is that of the pacing: a chunk stands at the earliest time at which it can sound.
When it comes back through the microphone it is later by a lag that `echo.py` finds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE_HZ = 8_000
"""Speech has its energy below 4 kHz, and loudspeakers have little to add above."""
PASS_HZ = 3_600
EMPHASIS = 0.9
"""Turns low tones down, as a telephone does: hum is common to nothing."""
TAPS_PER_SAMPLE = 12
KEPT_MS = 2_000
KEPT = RATE_HZ * KEPT_MS // 1000
MOST_CHUNKS = 128
"""2.5 s of chunks of 20 ms."""
SNAP_SAMPLES = RATE_HZ // 250
"""Chunks that meet within 4 ms follow each other without a gap: times are rounded."""
PCM16_SCALE = 32_768.0


class Lowered:
    """A stream of PCM16 at any rate from 8 kHz on, made 8 kHz with low tones turned down."""

    def __init__(self, rate_hz: int) -> None:
        """Begin with silence behind it."""
        self._step = rate_hz / RATE_HZ
        count = ceil(TAPS_PER_SAMPLE * self._step) | 1
        at = np.arange(count) - count // 2
        taps = np.sinc(2 * PASS_HZ / rate_hz * at) * np.hamming(count)
        self._taps = (taps / taps.sum()).astype(np.float32)
        # One more than the taps need: the next sample may lie between the last one and the next.
        self._history: Samples = np.zeros(count, dtype=np.float32)
        self._next = 0.0
        self._last: Samples = np.zeros(1, dtype=np.float32)

    def take(self, pcm: bytes) -> Samples:
        """Give the samples that these make, within -1 and 1."""
        new = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / PCM16_SCALE
        if not len(new):
            return new
        heard = np.concatenate((self._history, new))
        self._history = heard[len(new) :]
        low = self._pick(heard, len(new))
        before = np.concatenate((self._last, low[:-1]))
        self._last = low[-1:] if len(low) else self._last
        sharp: Samples = low - EMPHASIS * before
        return sharp

    def _pick(self, heard: Samples, new: int) -> Samples:
        """Smooth only where a sample is wanted, on the grid before and behind it."""
        at = np.arange(self._next, new - 1, self._step)
        at = at[at < new - 1]  # `arange` rounds, and may go one too far
        self._next += len(at) * self._step - new
        before = np.floor(at)
        share = (at - before).astype(np.float32)
        grid = before.astype(np.intp) + 1
        views = sliding_window_view(heard, len(self._taps))
        low = views[grid] @ self._taps
        if share.any():
            low += share * (views[grid + 1] @ self._taps - low)
        picked: Samples = low
        return picked


@dataclass(frozen=True, slots=True)
class Said:
    """A chunk, and the earliest time at which it can sound."""

    utterance: int
    start_sample: int
    pcm: bytes
    at_ms: float


class BotSound:
    """The last two seconds of the bot's voice; times are milliseconds of the caller's clock."""

    def __init__(self, rate_hz: int) -> None:
        """Take PCM16 of this rate."""
        self._lowered = Lowered(rate_hz)
        self._rate_hz = rate_hz
        self._said: deque[Said] = deque(maxlen=MOST_CHUNKS)
        self._unread = 0
        self._tape: Samples = np.zeros(2 * KEPT, dtype=np.float32)
        self._base = self._end = 0

    def say(self, utterance: int, start_sample: int, pcm: bytes, at_ms: float) -> None:
        """The bot says this, at that time at the earliest; costs little until it is read."""
        self._said.append(Said(utterance, start_sample, pcm, at_ms))
        self._unread = min(self._unread + 1, MOST_CHUNKS)

    def stop(self, utterance: int, at_sample: int) -> None:
        """The listener's loudspeaker fell silent at this sample: the rest never sounded."""
        self._read()
        for said in reversed(self._said):
            if said.utterance == utterance and said.start_sample <= at_sample:
                after_ms = (at_sample - said.start_sample) * 1000 / self._rate_hz
                self._cut(sample_at(said.at_ms + after_ms))
                return

    def silent_since(self, sample: int) -> bool:
        """Whether nothing was said at or after this sample."""
        self._read()
        return self._end <= sample

    def between(self, begin: int, end: int) -> Samples:
        """The samples `begin` to `end`; silence where nothing was said, or too long ago."""
        self._read()
        first = min(max(begin, self._base), end)
        last = max(first, min(end, self._end))
        found = np.zeros(end - begin, dtype=np.float32)
        found[first - begin : last - begin] = self._tape[first - self._base : last - self._base]
        return found

    def _read(self) -> None:
        """Put what was said meanwhile on the tape."""
        unread, self._unread = self._unread, 0
        for said in list(self._said)[len(self._said) - unread :]:
            begin = sample_at(said.at_ms)
            if abs(begin - self._end) <= SNAP_SAMPLES:
                begin = self._end
            samples = self._lowered.take(said.pcm)
            self._make_room(begin, len(samples))
            self._tape[begin - self._base :][: len(samples)] = samples
            self._end = begin + len(samples)

    def _cut(self, sample: int) -> None:
        if self._base <= sample < self._end:
            self._tape[sample - self._base :] = 0
            self._end = sample

    def _make_room(self, begin: int, count: int) -> None:
        """Silence between what was said and `begin`, and a tape that goes on for `count`."""
        if begin < self._end:
            self._cut(max(begin, self._base))
        if begin + count <= self._base + len(self._tape):
            return
        keep = self.between(begin - KEPT, begin)
        self._base = begin - KEPT
        self._tape[:KEPT] = keep
        self._tape[KEPT:] = 0


def sample_at(ms: float) -> int:
    """The number of the sample at this time."""
    return round(ms * RATE_HZ / 1000)
