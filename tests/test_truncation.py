"""Words with their places: what was heard, where a sentence starts, estimates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.truncation import Word, WordTrack


def track(*words: tuple[str, int, int]) -> WordTrack:
    """A track of words with their starts and ends."""
    made = WordTrack()
    for text, start, end in words:
        made.add(text, start, end)
    return made


@pytest.mark.parametrize(
    ("played", "heard"), [(0, False), (150, False), (151, True), (200, True), (9999, True)]
)
def test_a_word_is_heard_when_more_than_half_of_it_was_played(played: int, heard: bool) -> None:
    assert Word("word", 100, 200).heard(played) == heard


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("end.", True),
        ("end?”", True),
        ("(end!)", True),
        ("end…", True),
        ("end,", False),
        ("3.5", False),
        ("", False),
    ],
)
def test_a_sentence_ends_with_its_mark_even_inside_quotes(text: str, ends: bool) -> None:
    assert Word(text, 0, 1).ends_sentence == ends


@pytest.mark.parametrize(
    ("index", "start"), [(0, 0), (1, 0), (2, 2), (3, 2), (4, 2)], ids=lambda n: str(n)
)
def test_the_start_of_the_sentence_that_holds_a_word(index: int, start: int) -> None:
    made = track(("One", 0, 1), ("two.", 1, 2), ("Three", 2, 3), ("four", 3, 4), ("five.", 4, 5))
    assert made.sentence_start(index) == start


def test_a_start_before_the_last_word_is_moved_to_it() -> None:
    made = track(("a", 100, 200), ("b", 50, 60))
    assert made.words[1] == Word("b", 100, 100)
    assert made.add_sentence("c d", 0, 140)[0].start_sample == 100


def test_the_end_of_a_word_is_corrected_but_never_before_its_start() -> None:
    made = track(("a", 100, 400))
    assert made.end(0, 300) == Word("a", 100, 300)
    assert made.end(0, 50) == Word("a", 100, 100)
    assert made.words == (Word("a", 100, 100),)


def test_text_is_what_lies_between_two_words() -> None:
    made = track(("a", 0, 1), ("b", 1, 2), ("c", 2, 3))
    assert (made.text(), made.text(1), made.text(0, 1), made.text(3)) == ("a b c", "b c", "a", "")


def test_a_sentence_without_word_times_is_spread_by_its_letters_as_an_estimate() -> None:
    words = track().add_sentence("one three", 1000, 2000)
    assert words == (
        Word("one", 1000, 1400, estimate=True),
        Word("three", 1400, 2000, estimate=True),
    )


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_sentence_without_words_adds_none(text: str) -> None:
    assert track().add_sentence(text, 0, 100) == ()


def test_the_first_word_heard_is_the_first_counted() -> None:
    made = track(("a", 100, 200), ("b", 200, 300))
    assert [made.count_heard(played) for played in (0, 150, 151, 250, 251)] == [0, 0, 1, 1, 2]


@given(
    st.lists(st.text("ab. ", max_size=12), max_size=4),
    st.lists(st.integers(0, 1000), min_size=4, max_size=4),
    st.integers(0, 1200),
)
def test_starts_never_run_backwards_and_what_is_heard_only_grows(
    texts: list[str], ends: list[int], played: int
) -> None:
    made = WordTrack()
    for text, end in zip(texts, ends, strict=False):
        made.add_sentence(text, end - 100, end)
        made.add("w", end - 50, end)
    starts = [word.start_sample for word in made.words]
    assert starts == sorted(starts)
    assert 0 <= made.count_heard(played) <= made.count_heard(played + 1) <= len(made)
