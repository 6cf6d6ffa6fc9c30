"""The table of docs/injection.md: `python -m tests.injection.table` prints it anew."""

from __future__ import annotations

from pathlib import Path

from tests.injection.attacks import KINDS, Attack

PAGE = Path(__file__).parents[2] / "docs" / "injection.md"
BEGINS, ENDS = "<!-- attacks -->\n", "<!-- /attacks -->\n"


def table() -> str:
    """Give every attack with what held it."""
    lines = ["| attack | held by | what happens |", "|---|---|---|"]
    for kind, attacks in KINDS.items():
        lines.append(f"| **{kind}** ({len(attacks)}) | | |")
        lines += [f"| {each.name} | {_held(each)} | {_does(each)} |" for each in attacks]
    return "\n".join(lines) + "\n"


def _held(attack: Attack) -> str:
    codes = [f"`{code}`" for code in attack.held_by]
    if attack.hidden and not codes:
        return "masked"
    return ", ".join(codes) or "-"


def _does(attack: Attack) -> str:
    return ", ".join(attack.does) or "nothing"


def written() -> str:
    """Give the table that stands in the page."""
    return PAGE.read_text(encoding="utf-8").partition(BEGINS)[2].partition(ENDS)[0]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGINS)
    PAGE.write_text(before + BEGINS + table() + ENDS + rest.partition(ENDS)[2], encoding="utf-8")
