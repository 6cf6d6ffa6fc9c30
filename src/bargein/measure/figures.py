"""Figures: how many values, and where their middle and their tail lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PERCENTS = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Figure:
    """A row's measurement; without values it says why."""

    values: tuple[float, ...] = ()
    reason: str = ""
    """Why there are no values; or what must be known about those that there are."""

    @property
    def n(self) -> int:
        """How many values."""
        return len(self.values)

    @property
    def rate(self) -> float | None:
        """The mean; of values that are 0 or 1 the share."""
        return sum(self.values) / self.n if self.n else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed (nearest rank); no value is made up."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def of(values: Sequence[float | int | None], missing: str) -> Figure:
    """Make a figure of what is known; `missing` is the reason where nothing is."""
    known = tuple(float(value) for value in values if value is not None)
    return Figure(known, "" if known else missing)
