"""Which transcripts say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.matching import Match, MatchPolicy

SAME = [
    ("book a table", "Book a table."),
    ("book a  table ", "book a table"),
    ("um book a uh table", "Book a table"),
    ("a table for two", "A table for 2."),
    ("it is twenty five", "It is 25."),
    ("twelve hundred", "12 hundred"),
    ("that is 1,200", "that is 1200"),
    ("don\u2019t", "don't"),
    ("caf\u00e9", "cafe\u0301"),
    ("\uff14 teas", "4 teas"),
]
OTHER = [
    ("book a table", "book a table for two"),
    ("a table for two", "a table for ten"),
    ("twenty five", "20 6"),
    ("I'd like tea", "I like tea"),
    ("yes", ""),
    ("two five", "twenty five"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_marks_fillers_and_figures_do_not_count(one: str, other: str) -> None:
    assert MatchPolicy().same(one, other)
    assert MatchPolicy().same(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_words_are_other_words(one: str, other: str) -> None:
    assert not MatchPolicy().same(one, other)


def test_an_exact_policy_takes_them_character_by_character() -> None:
    exact = MatchPolicy(Match.EXACT)
    assert exact.same("Tea.", "Tea.")
    assert not exact.same("Tea.", "tea")
    assert exact.begins("Tea. And", "Tea.")
    assert not exact.begins("Tea. And", "tea")


def test_which_words_do_not_count_is_a_setting() -> None:
    polite = MatchPolicy(ignored_words=("Please",))
    assert polite.same("tea", "Tea, please.")
    assert not polite.same("um tea", "tea")


def test_a_beginning_is_known_in_whole_words() -> None:
    policy = MatchPolicy()
    assert policy.begins("Book a table for two", "book a table.")
    assert not policy.begins("book a tablet", "book a table")


@given(st.text(), st.text())
def test_it_is_an_equivalence(one: str, other: str) -> None:
    policy = MatchPolicy()
    assert policy.same(one, one)
    assert policy.same(one, other) == policy.same(other, one)
    assert policy.same(one, other) == (policy.begins(one, other) and policy.begins(other, one))
