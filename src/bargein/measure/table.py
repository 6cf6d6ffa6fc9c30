"""The table that `bargein bench` prints, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bargein.measure.figures import Figure
from bargein.measure.results import NOT_SEEN
from bargein.measure.rows import ROWS, Goal, meets, summary

Figures = Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Result:
    """One system's figures."""

    name: str
    figures: Figures
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    sounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """How often each sound took the floor, of how often it was made."""
    failure: str = ""
    """Why there are no figures at all."""


def as_json(result: Result, keys: Sequence[str]) -> dict[str, object]:
    """Give an object with the rows' keys; a failure stands in each of them."""
    rows = {row.key: summary(row, _figure(result, row.key)) for row in ROWS if row.key in keys}
    took_floor = {name: f"{took} of {made}" for name, (took, made) in result.sounds.items()}
    return rows | {
        "versions": dict(result.versions),
        "notes": list(result.notes),
        "took_the_floor": took_floor,
    }


def lines(ours: Result, peers: Sequence[Result], keys: Sequence[str]) -> Iterator[str]:
    """Give the table, line by line: each row with n, statistics, goal, and peers below it."""
    yield f"{'':43} {'n':>5} {'p50':>9} {'p90':>9} {'p99':>9}  goal"
    for row in ROWS:
        if row.key not in keys:
            continue
        shown = summary(row, _figure(ours, row.key))
        verdict = {True: "kept", False: "MISSED", None: ""}[meets(row, shown)]
        goal = ", ".join(_goal(each) for each in row.goals)
        kind = "estimate" if row.estimate else "count"
        title = f"{row.title}, {row.unit}" if row.unit else row.title
        yield f"{title:43} {_statistics(shown)}  {goal}{' ' if goal else ''}{verdict}".rstrip()
        yield f"    {kind}: {row.basis}"
        if reason := shown.get("reason"):
            yield f"    not measured: {reason}"
        if note := shown.get("note"):
            yield f"    {note}"
        for peer in peers:
            theirs = summary(row, _figure(peer, row.key))
            if theirs.get("reason") != NOT_SEEN and row.key in peer.figures:
                yield f"    {peer.name:39} {_statistics(theirs)}{_why(theirs)}".rstrip()
    for each in (ours, *peers):
        yield from _about(each)


def _about(result: Result) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    yield ""
    yield f"{result.name}: {result.failure or versions}"
    for note in result.notes:
        yield f"    {note}"
    if result.sounds:
        took = ", ".join(f"{name} {n}/{made}" for name, (n, made) in result.sounds.items())
        yield f"    took the floor: {took}"


def _figure(result: Result, key: str) -> Figure:
    missing = Figure(reason=result.failure or "not asked for")
    return result.figures.get(key, missing)


def _statistics(shown: Mapping[str, float | int | str]) -> str:
    cells = [f"{shown['n']:>5}"]
    if "value" in shown:
        return f"{cells[0]} {_number(shown['value']):>9}{'':20}"
    return " ".join([*cells, *(f"{_number(shown.get(key)):>9}" for key in ("p50", "p90", "p99"))])


def _why(shown: Mapping[str, float | int | str]) -> str:
    return f"  {shown['reason']}" if "reason" in shown else ""


def _number(value: float | int | str | None) -> str:
    if not isinstance(value, int | float):
        return "-"
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def _goal(goal: Goal) -> str:
    name = "" if goal.statistic == "value" else f"{goal.statistic} "
    return f"{name}{'>=' if goal.at_least else '<='} {_number(goal.bound)}"
