"""When the user acts: each act waits for its time or its cue, one after another."""

from __future__ import annotations

from collections.abc import Sequence

from bargein.rehearsal.cues import Cue, read_cue
from bargein.rehearsal.moments import Moment
from bargein.rehearsal.scenario import Act


class Prompter:
    """Says which act is due; an act is never due before the one above it."""

    def __init__(self, acts: Sequence[Act]) -> None:
        """Begin with the first act."""
        self._acts = acts
        self._next = 0
        self._seen = 0
        self._cued_ms: float | None = None

    def due(self, moments: Sequence[Moment], now_ms: float) -> tuple[int, Act] | None:
        """The act that begins now, with its index; call again until there is none."""
        if self._next >= len(self._acts):
            return None
        act = self._acts[self._next]
        start_ms = self._start_ms(act, moments)
        if start_ms is None or now_ms < start_ms:
            return None
        number, self._next = self._next, self._next + 1
        self._seen, self._cued_ms = len(moments), None
        return number, act

    @property
    def waits_for_time(self) -> bool:
        """Whether the next act will begin by itself."""
        if self._next >= len(self._acts):
            return False
        return self._acts[self._next].at_ms is not None or self._cued_ms is not None

    @property
    def waits_for(self) -> str:
        """What the next act waits for, in words; empty when all have begun."""
        if self._next >= len(self._acts):
            return ""
        act = self._acts[self._next]
        return f"{act.at_ms:.0f} ms" if act.at_ms is not None else str(_cue(act))

    def _start_ms(self, act: Act, moments: Sequence[Moment]) -> float | None:
        if act.at_ms is not None:
            return act.at_ms + act.delay_ms
        if self._cued_ms is None:
            fitting = (each for each in moments[self._seen :] if _cue(act).fits(each))
            cue = next(fitting, None)
            self._cued_ms = cue.at_ms if cue else None
        return None if self._cued_ms is None else self._cued_ms + act.delay_ms


def _cue(act: Act) -> Cue:
    return read_cue(act.after or "")
