"""Final transcripts behind each other: said twice, taken back, or left out until it is late."""

from __future__ import annotations

import pytest

from bargein.late_words import LATE_MS, Late, LateWords


def after(*finals: str, over: bool = False) -> LateWords:
    """One speech, of which these finals have come."""
    words = LateWords()
    words.speech_began()
    for final in finals:
        words.note(final)
    if over:
        words.turn_over(" ".join(finals))
    return words


@pytest.mark.parametrize(
    ("finals", "over", "comes", "is_"),
    [
        (("Two teas.",), False, "Two teas.", Late.AGAIN),
        (("Two teas.",), False, "two  teas", Late.AGAIN),
        (("Two teas.",), False, "And a cake.", Late.NEW),
        (("Two teas.",), False, "Two teas and a cake.", Late.LONGER),
        (("Two teas.",), True, "Two teas.", Late.AGAIN),
        (("Two teas,", "please."), True, "Two teas, please.", Late.AGAIN),
        (("Book a table.",), True, "Book a table for two.", Late.LONGER),
        (("No, three",), True, "teas.", Late.MORE),
        (("Two teas.",), True, "um", Late.NEW),
        ((), False, "Two teas.", Late.NEW),
    ],
)
def test_what_comes_behind(finals: tuple[str, ...], over: bool, comes: str, is_: Late) -> None:
    assert after(*finals, over=over).judge(comes) is is_


def test_who_speaks_again_may_say_the_same_again() -> None:
    words = after("No.")
    words.speech_began()
    assert words.judge("No.") is Late.NEW
    over = after("No.", over=True)
    over.speech_began()
    assert over.judge("No.") is Late.NEW


def test_a_transcript_that_is_late_leaves_the_next_speech_its_own() -> None:
    words = LateWords()
    words.speech_began()
    words.speech_began()
    words.note("No.")
    assert words.judge("No.") is Late.NEW
    words.note("No.")
    assert words.judge("No.") is Late.AGAIN


def test_a_turn_that_opens_has_words_of_its_own() -> None:
    words = after("No.", over=True)
    words.turn_opened()
    assert words.judge("No.") is Late.NEW


def test_partial_words_in_between_are_of_something_said_anew() -> None:
    words = after("No,")
    words.guess()
    assert words.judge("no way.") is Late.NEW


def test_words_that_come_much_later_are_of_no_turn_that_is_over() -> None:
    words = after("Two teas", over=True)
    words.pass_audio(LATE_MS)
    assert words.judge("please.") is Late.MORE
    words.pass_audio(1)
    assert words.judge("please.") is Late.NEW


@pytest.mark.parametrize(
    ("finals", "comes", "whole"),
    [
        (("Book a table.",), "Book a table for two.", "Book a table for two."),
        (("Hello.", "Book a table."), "Book a table for two.", "Hello. Book a table for two."),
        (("No, three",), "teas.", "No, three teas."),
    ],
)
def test_the_whole_turn(finals: tuple[str, ...], comes: str, whole: str) -> None:
    words = after(*finals, over=True)
    assert words.whole(comes, words.judge(comes)) == whole


def test_what_is_behind_the_same_words() -> None:
    assert after("Book a table.").rest("book a table for two.") == "for two."


def test_a_cough_before_the_turn_makes_no_new_words_of_a_repeated_transcript() -> None:
    late = LateWords()
    late.speech_began()  # a cough, of which the recogniser says nothing
    late.speech_began()
    late.turn_opened()
    late.note("a tea")
    late.turn_over("a tea")
    assert late.judge("a tea") is Late.AGAIN
