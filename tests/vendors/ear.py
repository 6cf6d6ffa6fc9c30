"""What a recogniser makes of the audio that reaches it, if it knows what will be said.

It has the words with their times from the onset of each turn, and finds the onsets in the audio
by its level: what a bot does not send, or sends late, is understood late. Pure: time is that of
the audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.vendors.latency import Recognition

RATE_HZ = 16_000
BLOCK_SAMPLES = 160
LOUD_DB = -50.0
"""RMS of a block (10 ms, dBFS) that is no silence any more."""
SETTLE_MS = 200
"""A turn is over so long after its sound."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as the recogniser understands it; times in ms from the onset of the turn."""

    text: str
    """In the end, with punctuation."""
    start_ms: float
    end_ms: float
    first: str = ""
    """At first, until the next word is there; empty is the text without punctuation."""

    @property
    def at_first(self) -> str:
        """What is understood before anything else has come."""
        return self.first or self.text.strip(",.?!")


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """What is said without anybody's answer."""

    words: tuple[HeardWord, ...]
    length_ms: float

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Understood:
    """A stretch of a turn, for now or for good."""

    turn: int
    text: str
    final: bool
    words: tuple[HeardWord, ...] = ()
    start_s: float = 0
    """From the first sample of the connection."""
    duration_s: float = 0
    asked: bool = False
    """Said because of a Finalize."""
    ends_speech: bool = False
    """Silence ended it."""


class Ear:
    """Takes audio, and gives what is understood of it, each at its time."""

    def __init__(self, turns: Sequence[HeardTurn], latency: Recognition) -> None:
        """Wait for the first turn."""
        self._turns = turns
        self._latency = latency
        self._rest = b""
        self._samples = 0
        self._turn = 0
        self._onset_samples: int | None = None
        self._spoke_until_ms = 0.0
        self._loud_at_ms = -latency.quiet_ms
        self._told = 0
        self._done = 0
        self._cut = 0

    @property
    def heard_ms(self) -> float:
        """How much audio has come."""
        return self._samples * 1000 / RATE_HZ

    @property
    def turn(self) -> int:
        """How many turns are over."""
        return self._turn

    @property
    def in_turn(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._onset_samples is not None

    @property
    def silent_ms(self) -> float:
        """How long nothing has been said since the last word; 0 in a word."""
        if self._onset_samples is None:
            return self.heard_ms - self._spoke_until_ms
        words = self._ended_words
        return 0.0 if not words or self._in_word else self._since_onset_ms - words[-1].end_ms

    def take(self, pcm: bytes) -> None:
        """Hear PCM16 at 16 kHz."""
        data = self._rest + pcm
        size = BLOCK_SAMPLES * 2
        for at in range(0, len(data) - size + 1, size):
            if is_loud(np.frombuffer(data[at : at + size], dtype="<i2")):
                self._hear_sound()
            self._samples += BLOCK_SAMPLES
            self._maybe_turn_over()
        self._rest = data[len(data) // size * size :]

    def finalize(self) -> Understood | None:
        """Be asked for what has been said until now; a result at once, if nothing is due later."""
        ended = len(self._ended_words)
        if ended > self._done:
            self._cut = ended
            return None
        return Understood(self._turn, "", final=True, start_s=self.heard_ms / 1000, asked=True)

    def due_ms(self) -> float | None:
        """When the next result is there, in the time of the audio."""
        if self._onset_samples is None:
            return None
        onset_ms = self._onset_samples * 1000 / RATE_HZ
        dues = [each for each in (self._partial_ms(), self._final_ms()) if each is not None]
        return onset_ms + min(dues) if dues else None

    def results(self, now_ms: float) -> list[Understood]:
        """Give what is there by now."""
        given: list[Understood] = []
        while (due_ms := self.due_ms()) is not None and due_ms <= now_ms:
            partial_ms, final_ms = self._partial_ms(), self._final_ms()
            if partial_ms is not None and (final_ms is None or partial_ms <= final_ms):
                self._told += 1
                given.append(self._partial())
            else:
                given.append(self._final())
        self._maybe_turn_over()
        return given

    # --- where it is in the turn ---------------------------------------------------------

    @property
    def _words(self) -> tuple[HeardWord, ...]:
        return self._turns[self._turn].words if self._onset_samples is not None else ()

    @property
    def _since_onset_ms(self) -> float:
        assert self._onset_samples is not None
        return (self._samples - self._onset_samples) * 1000 / RATE_HZ

    @property
    def _ended_words(self) -> tuple[HeardWord, ...]:
        return tuple(word for word in self._words if word.end_ms <= self._since_onset_ms)

    @property
    def _in_word(self) -> bool:
        now_ms = self._since_onset_ms
        return any(word.start_ms <= now_ms < word.end_ms for word in self._words)

    def _hear_sound(self) -> None:
        quiet_ms, self._loud_at_ms = self.heard_ms - self._loud_at_ms, self.heard_ms
        between = self._onset_samples is None and self._turn < len(self._turns)
        if between and quiet_ms >= self._latency.quiet_ms:
            self._onset_samples = self._samples
            self._told = self._done = self._cut = 0

    def _maybe_turn_over(self) -> None:
        if self._onset_samples is None or self._done < len(self._words):
            return
        if self._since_onset_ms >= self._turns[self._turn].length_ms + SETTLE_MS:
            onset_ms = self._onset_samples * 1000 / RATE_HZ
            self._spoke_until_ms = onset_ms + self._words[-1].end_ms
            self._turn += 1
            self._onset_samples = None

    # --- what is due ---------------------------------------------------------------------

    def _partial_ms(self) -> float | None:
        if self._told >= len(self._ended_words):
            return None
        return self._words[self._told].end_ms + self._latency.partial_ms

    def _final_ms(self) -> float | None:
        end = self._stretch_end()
        return None if end is None else self._words[end - 1].end_ms + self._latency.final_ms

    def _stretch_end(self) -> int | None:
        """Where the stretch of speech ends that is not final yet: the number of its last word."""
        for end in range(self._done + 1, len(self._ended_words) + 1):
            if end == self._cut or self._is_pause(end):
                return end
        return None

    def _is_pause(self, after: int) -> bool:
        if after == len(self._words):
            return True
        gap_ms = self._words[after].start_ms - self._words[after - 1].end_ms
        return gap_ms >= self._latency.endpoint_ms

    def _partial(self) -> Understood:
        words = self._words[self._done : self._told]
        text = " ".join([*(word.text for word in words[:-1]), words[-1].at_first])
        return self._understood(text, words, final=False)

    def _final(self) -> Understood:
        end = self._stretch_end()
        assert end is not None
        words = self._words[self._done : end]
        pause, asked = self._is_pause(end), self._cut == end
        self._done, self._told = end, max(self._told, end)
        text = " ".join(word.text for word in words)
        return self._understood(text, words, final=True, asked=asked, ends_speech=pause)

    def _understood(
        self,
        text: str,
        words: tuple[HeardWord, ...],
        *,
        final: bool,
        asked: bool = False,
        ends_speech: bool = False,
    ) -> Understood:
        assert self._onset_samples is not None
        start_s = self._onset_samples / RATE_HZ + words[0].start_ms / 1000
        duration_s = (words[-1].end_ms - words[0].start_ms) / 1000
        return Understood(self._turn, text, final, words, start_s, duration_s, asked, ends_speech)


def is_loud(block: np.ndarray) -> bool:
    """Whether PCM16 is no silence."""
    rms = float(np.sqrt(np.mean(np.square(block.astype(np.float64)))))
    return rms > 32768 * 10 ** (LOUD_DB / 20)
