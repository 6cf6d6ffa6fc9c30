"""What other settings would have changed in a whole ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bargein.errors import BargeinError
from bargein.ledger.entries import BargeIn
from bargein.ledger.reading import BadLine, Read
from bargein.replay.again import Decision, Outcome, decide_again, recorded
from bargein.replay.settings import Changes


@dataclass(frozen=True, slots=True)
class Case:
    """One barge-in, decided twice."""

    entry: BargeIn
    before: Decision
    after: Decision

    @property
    def changed(self) -> bool:
        """Whether anything of the verdict is different; who never decided has no difference."""
        undecided = Outcome.UNDECIDED
        if self.before.outcome is undecided and self.after.outcome is undecided:
            return False
        return self.before != self.after

    @property
    def later_ms(self) -> float | None:
        """How much later the verdict falls; negative is earlier; None where one is missing."""
        if self.before.at_ms is None or self.after.at_ms is None:
            return None
        return self.after.at_ms - self.before.at_ms

    @property
    def heard_more(self) -> str:
        """The bot's words that would be heard, and were lost."""
        flipped = self.before.outcome is Outcome.ACCEPTED and self.after.outcome in BOT_GOES_ON
        return self._rest if flipped else ""

    @property
    def heard_less(self) -> str:
        """The bot's words that would be lost, and were heard, if the user let it go on."""
        flipped = self.after.outcome is Outcome.ACCEPTED and self.before.outcome in BOT_GOES_ON
        return self._rest if flipped else ""

    @property
    def _rest(self) -> str:
        stake = self.entry.at_stake
        if stake is None or not stake.unheard_words:
            return ""
        return stake.unheard_text or f"({stake.unheard_words} words)"


BOT_GOES_ON = (Outcome.REJECTED, Outcome.IGNORED, Outcome.NOT_OPENED)


@dataclass(frozen=True, slots=True)
class Count:
    """How many ended how, by one set of rules."""

    accepted: int
    rejected: int
    undecided: int
    other: int
    """Ignored, interrupted by somebody else, or never opened."""
    mean_verdict_ms: float | None
    """From the recorded opening, of those that were accepted or rejected."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A ledger, decided twice."""

    cases: tuple[Case, ...]
    bad_lines: tuple[BadLine, ...]

    @property
    def changed(self) -> tuple[Case, ...]:
        """Those with another verdict."""
        return tuple(case for case in self.cases if case.changed)

    def summary(self) -> dict[str, Any]:
        """Both counts, and how many stayed as they were."""
        return {
            "barge_ins": len(self.cases),
            "unchanged": len(self.cases) - len(self.changed),
            "before": asdict(count(case.before for case in self.cases)),
            "after": asdict(count(case.after for case in self.cases)),
        }


def count(decisions: Iterable[Decision]) -> Count:
    """Count how they ended."""
    known = list(decisions)

    def ended(*outcomes: Outcome) -> int:
        return sum(each.outcome in outcomes for each in known)

    decided = (Outcome.ACCEPTED, Outcome.REJECTED)
    times = [ms for each in known if each.outcome in decided and (ms := each.at_ms) is not None]
    return Count(
        accepted=ended(Outcome.ACCEPTED),
        rejected=ended(Outcome.REJECTED),
        undecided=ended(Outcome.UNDECIDED),
        other=len(known) - ended(*decided, Outcome.UNDECIDED),
        mean_verdict_ms=round(sum(times) / len(times), 1) if times else None,
    )


def replay(lines: Iterable[Read | BadLine], changes: Changes) -> Replay:
    """Decide every barge-in of a ledger again; turns have no verdict and are passed over."""
    cases: list[Case] = []
    bad: list[BadLine] = []
    for line in lines:
        if isinstance(line, BadLine):
            bad.append(line)
        elif isinstance(line.entry, BargeIn):
            try:
                after = decide_again(line.entry, changes)
            except BargeinError as error:
                bad.append(BadLine(line.place, f"{error}."))
            else:
                cases.append(Case(line.entry, recorded(line.entry), after))
    return Replay(tuple(cases), tuple(bad))


def as_json(done: Replay, settings: Sequence[str]) -> dict[str, Any]:
    """Give all of it as plain data."""
    return {
        "settings": list(settings),
        "summary": done.summary(),
        "changed": [_case(case) for case in done.changed],
        "bad_lines": [
            {"file": bad.place.file, "line": bad.place.line, "message": bad.message}
            for bad in done.bad_lines
        ],
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "wall_time": case.entry.wall_time,
        "session": case.entry.session,
        "number": case.entry.number,
        "before": asdict(case.before),
        "after": asdict(case.after),
        "later_ms": case.later_ms,
        "heard_more": case.heard_more,
        "heard_less": case.heard_less,
    }
