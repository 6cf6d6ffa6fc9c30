"""Prints a replay for people."""

from __future__ import annotations

from collections.abc import Iterator

from bargein.replay.again import Decision, Outcome
from bargein.replay.compare import Case, Count, Replay, count

WORDS = {
    Outcome.ACCEPTED: "accepted",
    Outcome.REJECTED: "rejected",
    Outcome.IGNORED: "ignored",
    Outcome.INTERRUPTED: "interrupted by another part",
    Outcome.UNDECIDED: "undecided",
    Outcome.NOT_OPENED: "not opened",
}
LONGEST_QUOTE = 70
SESSION_DIGITS = 8


def to_text(done: Replay) -> str:
    """Each barge-in that changed, and the summary."""
    return "\n".join([*(line for case in done.changed for line in _case(case)), *_summary(done)])


def _case(case: Case) -> Iterator[str]:
    entry, later_ms = case.entry, case.later_ms
    moved = ""
    if later_ms:
        moved = f", {abs(later_ms):.0f} ms {'later' if later_ms > 0 else 'earlier'}"
    yield f"{entry.wall_time}  session {entry.session[:SESSION_DIGITS]}, barge-in {entry.number}"
    yield f"  {_decision(case.before)} -> {_decision(case.after)}{moved}"
    if case.heard_more:
        yield f"  would be heard: {_quoted(case.heard_more)}"
    if case.heard_less:
        yield f"  would be lost: {_quoted(case.heard_less)}"
    yield ""


def _decision(decision: Decision) -> str:
    reason = f" ({decision.reason})" if decision.reason else ""
    after = "" if decision.at_ms is None else f" at {decision.at_ms:.0f} ms"
    if decision.outcome is Outcome.UNDECIDED:
        return f"undecided: {decision.reason}" if decision.reason else "undecided"
    return f"{WORDS[decision.outcome]}{reason}{after}"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"}"'


def _summary(done: Replay) -> Iterator[str]:
    before = count(case.before for case in done.cases)
    after = count(case.after for case in done.cases)
    unchanged = len(done.cases) - len(done.changed)
    yield f"{len(done.cases)} barge-ins, {unchanged} unchanged, {len(done.changed)} changed"
    yield f"{'':10}{'accepted':>10}{'rejected':>10}{'undecided':>11}{'other':>8}{'mean at':>10}"
    yield _row("recorded", before)
    yield _row("replayed", after)


def _row(name: str, of: Count) -> str:
    mean = "-" if of.mean_verdict_ms is None else f"{of.mean_verdict_ms:.0f} ms"
    return f"{name:10}{of.accepted:>10}{of.rejected:>10}{of.undecided:>11}{of.other:>8}{mean:>10}"
