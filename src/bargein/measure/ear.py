"""An encounter as the ear had it: from the voice that was made and a tape of what sounded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bargein.measure.encounter import Encounter, word_error
from bargein.measure.playback import Run, Samples, continuity, pauses, runs
from bargein.measure.request import Sound
from bargein.truncation import Word

PAUSE_MS = 100
"""A stretch so long without the bot's voice is a pause; a shorter one is a busy machine."""

BREATH_MS = 40
"""Where the voice itself is silent for longer, nobody can hear when it was stopped."""


@dataclass(slots=True)
class Tape:
    """What a loudspeaker played: chunks, and when each began to sound."""

    rate_hz: int
    _chunks: list[Samples] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _times_ms: list[float] = field(default_factory=list)
    _length: int = 0
    sounds: bool = False
    """Whether anything but silence is on it."""

    def add(self, chunk: Samples, at_ms: float) -> None:
        """A chunk begins to sound."""
        self._chunks.append(chunk)
        self._starts.append(self._length)
        self._times_ms.append(at_ms)
        self._length += len(chunk)
        self.sounds = self.sounds or bool(chunk.any())

    @property
    def samples(self) -> Samples:
        """All of it."""
        return np.concatenate([np.zeros(0, dtype=np.int16), *self._chunks])

    def ms(self, sample: int) -> float:
        """When a sample began to sound."""
        chunk = max(bisect_right(self._starts, sample) - 1, 0)
        return self._times_ms[chunk] + (sample - self._starts[chunk]) * 1000 / self.rate_hz


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the bot's voice made of a text."""

    voice: Samples
    words: Sequence[Word]


def met(
    sound: Sound,
    onset_ms: float,
    *,
    said: Utterance,
    tape: Tape,
    stopped: bool,
    taken: bool,
    context: str | None,
) -> Encounter:
    """Say what became of a sound and the utterance that it met.

    `stopped` is whether the system stopped its bot, for a while or for good: without it a gap on
    the tape is a busy machine. `context` is what the LLM is told that the bot said of this
    utterance, None if that can't be known. Only what `said` made is looked for on the tape:
    what the bot says next is another's.
    """
    found = runs(said.voice, tape.samples)
    silent_ms = audible_ms = None
    if stopped:
        silent_ms, audible_ms = _pause_over(found, tape, onset_ms, taken=taken)
    whole = None if taken else continuity(found)
    error = None
    if taken and context is not None:
        error = word_error(context, played_words(said.words, found))
    return Encounter(
        sound=sound.name,
        kind=sound.kind,
        onset_ms=onset_ms,
        offset_ms=onset_ms + sound.length_ms,
        taken=taken,
        silent_ms=silent_ms,
        audible_ms=audible_ms,
        lost_samples=whole.lost_samples if whole else None,
        repeated_samples=whole.repeated_samples if whole else None,
        context_word_error=error,
    )


def played_words(words: Sequence[Word], found: Sequence[Run]) -> str:
    """The words of which more than half was heard: those whose middle lies in a run."""
    return " ".join(
        word.text
        for word in words
        if any(
            2 * run.made_at <= word.start_sample + word.end_sample < 2 * run.made_end
            for run in found
        )
    )


def _pause_over(
    found: Sequence[Run], tape: Tape, onset_ms: float, *, taken: bool
) -> tuple[float | None, float | None]:
    """When the voice fell silent over the sound, and when it was heard again."""
    for before, after in pauses(found, longer_than=tape.rate_hz * PAUSE_MS // 1000):
        if tape.ms(after.sounds_from) > onset_ms:
            return _end_ms(before, tape), tape.ms(after.sounds_from)
    if taken and found:
        return _end_ms(found[-1], tape), None
    return None, None


def _end_ms(run: Run, tape: Tape) -> float | None:
    """When a run ended; None where it ended in a pause of the voice itself."""
    zeros = run.heard_end - run.sounds_until
    return tape.ms(run.sounds_until) if zeros <= tape.rate_hz * BREATH_MS // 1000 else None
