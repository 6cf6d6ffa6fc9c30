"""Figures of rows, and the tables of them. Pure.

python -m bench.turn_taking.table results.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bargein.measure.figures import percentile
from bench.turn_taking.rows import BOTS, HEADLINE, SENSITIVITY, SLOW
from bench.turn_taking.turns import Line

HEAD = (
    "| row | turns | p50 ms | p95 ms | cut-ins | wrong replies | LLM requests"
    " | LLM tokens | TTS characters | predicted | late ms |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)
LATE = 99
"""Percentile of the machine's lateness."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row that was measured."""

    row: str
    material: str
    late_ms: float
    """The machine: 99 % of the caller's steps were no later."""
    lines: tuple[Line, ...]
    predictions: int = 0
    """Replies that were begun in open turns."""
    confirmed: int = 0
    saved_ms: float = 0
    """In all, by those that were confirmed."""

    @property
    def latencies_ms(self) -> list[float]:
        """Of the turns that were answered."""
        return [each.latency_ms for each in self.lines if each.latency_ms is not None]

    def mean(self, field: str) -> float:
        """Of a count, a turn."""
        return float(sum(getattr(each, field) for each in self.lines)) / len(self.lines)


def read(path: Path) -> list[Measured]:
    """Read what the bench has written; a row that was measured again counts with its last."""
    found: dict[tuple[str, str], Measured] = {}
    for text in path.read_text().splitlines():
        value: dict[str, Any] = json.loads(text)
        value["lines"] = tuple(Line(**each) for each in value["lines"])
        measured = Measured(**value)
        found[measured.row, measured.material] = measured
    return list(found.values())


def table(measured: Iterable[Measured]) -> list[str]:
    """The lines of a table in Markdown."""
    return [*HEAD, *(_line(each) for each in measured)]


def _line(each: Measured) -> str:
    known = each.latencies_ms
    turns = (
        f"{len(each.lines)}"
        if len(known) == len(each.lines)
        else f"{len(known)} of {len(each.lines)}"
    )
    share = each.confirmed / len(each.lines)
    predicted = (
        f"{share:.0%}, {each.predictions / len(each.lines):.1f} tries" if each.predictions else ""
    )
    cells = (
        each.row,
        turns,
        *_figures(known),
        str(sum(line.cut_in for line in each.lines)),
        str(sum(line.wrong_replies for line in each.lines)),
        f"{each.mean('requests'):.1f}",
        f"{each.mean('output_tokens'):.0f}",
        f"{each.mean('tts_chars'):.0f}",
        predicted,
        f"{each.late_ms:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def named(measured: Sequence[Measured], material: str, rows: Sequence[str]) -> list[Measured]:
    """Those of these rows that were measured with this material, in their order."""
    return [
        each for name in rows for each in measured if (each.row, each.material) == (name, material)
    ]


def sensitivity(measured: Sequence[Measured]) -> list[str]:
    """A line for each latency that was measured, a column for each bot: p50 and p95."""
    bots = [row.name.removesuffix(f"-{SLOW[0][0]}") for row in SENSITIVITY[:BOTS]]
    lines = [f"| | {' | '.join(bots)} |", f"|---|{'---|' * len(bots)}"]
    for name, _ in SLOW:
        found = [named(measured, "espeak", [f"{bot}-{name}"]) for bot in bots]
        cells = [" / ".join(_figures(each[0].latencies_ms)) if each else "" for each in found]
        if any(found):
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines if len(lines) > len(HEAD) else []


def _figures(known: Sequence[float]) -> list[str]:
    """The middle and the tail."""
    return [f"{percentile(known, n):,.0f}" if known else "" for n in (50, 95)]


def main() -> None:
    """Print all that there is."""
    measured = read(Path(sys.argv[1]))
    for material in dict.fromkeys(each.material for each in measured):
        print(
            "",
            material,
            "",
            *table(named(measured, material, [row.name for row in HEADLINE])),
            sep="\n",
        )
    print("", *sensitivity(measured), sep="\n")


if __name__ == "__main__":
    main()
