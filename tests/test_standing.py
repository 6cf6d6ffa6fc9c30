"""What a final transcript is that comes after its turn has ended on partial words."""

from __future__ import annotations

import pytest

from bargein.standing import Standing, Stood

Finals = list[tuple[str, bool]]

CASES: list[tuple[str, Finals, list[Stood]]] = [
    ("a table for two", [("A table for 2.", True)], [Stood.SAME]),
    ("a table for two", [("A table,", False), ("for two.", True)], [Stood.PART, Stood.SAME]),
    ("a table for two", [("A table for ten.", True)], [Stood.OTHER]),
    ("a table for two", [("A table.", True)], [Stood.OTHER]),
    ("a table", [("A table for", False)], [Stood.OTHER]),
    ("a table", [("a table", True), ("a table", True)], [Stood.SAME, Stood.UNRELATED]),
]


@pytest.mark.parametrize(("partial", "finals", "late"), CASES)
def test_it_is_the_same_or_a_part_or_something_else(
    partial: str, finals: Finals, late: list[Stood]
) -> None:
    standing = Standing()
    standing.stand(partial)
    assert [standing.hear(text, complete=complete) for text, complete in finals] == late


def test_where_nothing_stands_no_transcript_is_late() -> None:
    standing = Standing()
    assert standing.hear("tea", complete=True) is Stood.UNRELATED
    standing.stand("tea")
    standing.forget()
    assert standing.hear("tea", complete=True) is Stood.UNRELATED


def test_after_more_speech_only_the_very_same_words_are_the_old_ones() -> None:
    standing = Standing()
    standing.stand("a table for two")
    standing.speech_began()
    assert standing.hear("And a chair.", complete=True) is Stood.UNRELATED
    standing.stand("a table for two")
    standing.speech_began()
    assert standing.hear("A table for two.", complete=True) is Stood.SAME
