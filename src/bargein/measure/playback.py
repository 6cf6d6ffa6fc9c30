"""What was heard of a voice, found by its samples alone: nobody's own bookkeeping is trusted.

A stretch of digital silence can't be told from a pause of the loudspeaker, so what lies in
such a stretch counts as heard where its neighbours are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

KEY_SAMPLES = (240, 48)
"""A run is found by its first samples; by fewer where it is shorter (10 and 2 ms at 24 kHz)."""
SAMPLE_BYTES = 2
RAMP_SAMPLES = 128
"""A loudspeaker may be muted and opened by a ramp of one render quantum instead of a step."""
SILENT_SAMPLES = 10
"""A ramp down ends in silence: so many samples show it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Samples that were heard one after the other, as they were made."""

    heard_at: int
    made_at: int
    samples: int
    sounds_from: int = 0
    """Its first sample on the tape that is not zero."""
    sounds_until: int = 0
    """The sample of the tape behind its last one that is not zero."""

    @property
    def heard_end(self) -> int:
        """The sample of the tape behind it."""
        return self.heard_at + self.samples

    @property
    def made_end(self) -> int:
        """The sample of the voice behind it."""
        return self.made_at + self.samples


@dataclass(frozen=True, slots=True)
class Continuity:
    """How whole a voice was heard, up to the last sample that was."""

    lost_samples: int
    repeated_samples: int


def runs(made: Samples, heard: Samples) -> list[Run]:
    """Find the runs of `made` in the tape `heard`, in the order of the tape.

    A run may begin anywhere in the voice; the place nearest behind the last run is taken. Sound
    on the tape that is none of the voice (another utterance) ends it.
    """
    found: list[Run] = []
    sounding = np.flatnonzero(heard)
    at = made_end = 0
    while True:
        nearest = int(np.searchsorted(sounding, at))
        if nearest == len(sounding):
            return found
        begins = int(sounding[nearest])
        run = _run(made, heard, begins, at, made_end) or _risen(made, heard, begins, at, made_end)
        if run is None:
            return found
        run, at = _died_away(made, heard, run)
        found.append(run)
        made_end = run.made_end


def continuity(found: Sequence[Run]) -> Continuity:
    """Count what is missing and what came twice between the runs."""
    steps = [after.made_at - before.made_end for before, after in pairwise(found)]
    return Continuity(
        lost_samples=sum(step for step in steps if step > 0),
        repeated_samples=-sum(step for step in steps if step < 0),
    )


def pauses(found: Sequence[Run], longer_than: int) -> list[tuple[Run, Run]]:
    """The runs before and behind each stretch of the tape, so long, without the voice."""
    between = pairwise(found)
    return [(one, two) for one, two in between if two.heard_at - one.heard_end > longer_than]


def _run(made: Samples, heard: Samples, begins: int, tape_from: int, made_from: int) -> Run | None:
    place = _place(made, heard, begins, made_from)
    return None if place is None else _grown(made, heard, begins, place, tape_from, made_from)


def _risen(
    made: Samples, heard: Samples, begins: int, tape_from: int, made_from: int
) -> Run | None:
    """A run that begins softly: the samples of a ramp up were heard, too."""
    full = begins + RAMP_SAMPLES
    run = _run(made, heard, full, full, made_from) if full < len(heard) else None
    if run is None:
        return None
    back = min(RAMP_SAMPLES, run.made_at)
    soft = heard[full - back : full], made[run.made_at - back : run.made_at]
    length = _softer(soft[0][::-1], soft[1][::-1])
    if full - length > begins:
        return None
    length = min(length, full - tape_from)
    return Run(full - length, run.made_at - length, run.samples + length, begins, run.sounds_until)


def _died_away(made: Samples, heard: Samples, run: Run) -> tuple[Run, int]:
    """Where the tape goes on: behind the ramp down, whose samples come again and do not count."""
    length = _softer(
        heard[run.heard_end : run.heard_end + RAMP_SAMPLES],
        made[run.made_end : run.made_end + RAMP_SAMPLES],
    )
    end = run.heard_end + length
    if not length or heard[end : end + SILENT_SAMPLES].any():
        return run, run.heard_end
    sounding = np.flatnonzero(heard[run.heard_end : end])
    until = run.heard_end + int(sounding[-1]) + 1 if len(sounding) else run.sounds_until
    return replace(run, sounds_until=until), end


def _softer(heard: Samples, made: Samples) -> int:
    """How many samples from the first on are the same or softer."""
    length = min(len(heard), len(made))
    left, right = heard[:length].astype(np.int32), made[:length].astype(np.int32)
    louder = np.flatnonzero((np.abs(left) > np.abs(right)) | (left * right < 0))
    return int(louder[0]) if len(louder) else length


def _place(made: Samples, heard: Samples, begins: int, expected: int) -> int | None:
    for length in KEY_SAMPLES:
        key = heard[begins : begins + length]
        if len(key) < length:
            continue
        ahead = _find(made, key, expected)
        if ahead is not None:
            return ahead
        behind = _find_last(made[: expected + length], key)
        if behind is not None:
            return behind
    return None


def _find(made: Samples, key: Samples, start: int) -> int | None:
    held, wanted = made.tobytes(), key.tobytes()
    at = held.find(wanted, start * SAMPLE_BYTES)
    while at >= 0 and at % SAMPLE_BYTES:
        at = held.find(wanted, at + 1)
    return at // SAMPLE_BYTES if at >= 0 else None


def _find_last(made: Samples, key: Samples) -> int | None:
    held, wanted = made.tobytes(), key.tobytes()
    at = held.rfind(wanted)
    while at >= 0 and at % SAMPLE_BYTES:
        at = held.rfind(wanted, 0, at + len(wanted) - 1)
    return at // SAMPLE_BYTES if at >= 0 else None


def _grown(
    made: Samples, heard: Samples, begins: int, place: int, tape_from: int, made_from: int
) -> Run:
    """Grow a run to both sides, never back over what was heard before."""
    back = min(begins - tape_from, place - made_from) if place >= made_from else 0
    back = max(0, back)
    before = _equal(made[place - back : place][::-1], heard[begins - back : begins][::-1])
    length = min(len(made) - place, len(heard) - begins)
    after = _equal(made[place : place + length], heard[begins : begins + length])
    sounding = np.flatnonzero(heard[begins : begins + after])
    until = begins + int(sounding[-1]) + 1
    return Run(begins - before, place - before, before + after, begins, until)


def _equal(left: Samples, right: Samples) -> int:
    """How many samples from the first on are the same."""
    differ = np.flatnonzero(left != right)
    return int(differ[0]) if len(differ) else len(left)
