"""What a final transcript is that comes after its turn has ended on partial words."""

from __future__ import annotations

import pytest

from bargein.standing import Late, Standing

Finals = list[tuple[str, bool]]

CASES: list[tuple[str, Finals, list[Late]]] = [
    ("a table for two", [("A table for 2.", True)], [Late.SAME]),
    ("a table for two", [("A table,", False), ("for two.", True)], [Late.PART, Late.SAME]),
    ("a table for two", [("A table for ten.", True)], [Late.OTHER]),
    ("a table for two", [("A table.", True)], [Late.OTHER]),
    ("a table", [("A table for", False)], [Late.OTHER]),
    ("a table", [("a table", True), ("a table", True)], [Late.SAME, Late.UNRELATED]),
]


@pytest.mark.parametrize(("partial", "finals", "late"), CASES)
def test_it_is_the_same_or_a_part_or_something_else(
    partial: str, finals: Finals, late: list[Late]
) -> None:
    standing = Standing()
    standing.stand(partial)
    assert [standing.hear(text, complete=complete) for text, complete in finals] == late


def test_where_nothing_stands_no_transcript_is_late() -> None:
    standing = Standing()
    assert standing.hear("tea", complete=True) is Late.UNRELATED
    standing.stand("tea")
    standing.forget()
    assert standing.hear("tea", complete=True) is Late.UNRELATED


def test_after_more_speech_only_the_very_same_words_are_the_old_ones() -> None:
    standing = Standing()
    standing.stand("a table for two")
    standing.speech_began()
    assert standing.hear("And a chair.", complete=True) is Late.UNRELATED
    standing.stand("a table for two")
    standing.speech_began()
    assert standing.hear("A table for two.", complete=True) is Late.SAME
