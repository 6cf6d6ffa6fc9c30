"""What is printed of the floor is the table."""

from __future__ import annotations

import pytest

from bargein.floor import RULES, Do, Floor, Heard
from bargein.floor_docs import floor_markdown

PAGE = floor_markdown()


def test_every_change_of_state_is_an_arrow() -> None:
    for (before, heard), rule in RULES.items():
        if rule.next is not before:
            arrow = next(
                line
                for line in PAGE.splitlines()
                if line.strip().startswith(f"{before} --> {rule.next}:")
            )
            assert heard in arrow


@pytest.mark.parametrize("word", [*Floor, *Heard, *Do])
def test_every_word_has_its_meaning(word: str) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"- `{word}`: "))
    assert line.endswith(".")


def test_every_pair_has_a_cell() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [row.count(" | ") for row in rows] == [len(Floor)] * len(Heard)
