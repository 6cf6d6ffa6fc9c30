"""What the user's ear makes of the samples that sounded."""

from __future__ import annotations

from bargein.client.events import Finished, Sounded, WordsShown
from bargein.protocol import SpokenWord
from bargein.rehearsal.hearing import Hearing
from bargein.rehearsal.moments import What

RATE_HZ = 1000
WORDS = (
    SpokenWord(text="One", start_sample=0, end_sample=100),
    SpokenWord(text="two", start_sample=100, end_sample=200),
    SpokenWord(text="three", start_sample=250, end_sample=400),
)


def hearing(*stretches: tuple[int, int]) -> Hearing:
    """An ear that heard these samples of utterance 1."""
    heard = Hearing(RATE_HZ)
    heard.show(WordsShown(0, 1, 0, WORDS))
    for start, samples in stretches:
        heard.sounded(Sounded(float(start), 1, start, samples, 0))
    return heard


def test_a_word_counts_when_more_than_half_of_it_sounded() -> None:
    assert hearing((0, 150)).heard(1) == "One"
    assert hearing((0, 151)).heard(1) == "One two"
    assert hearing((0, 150)).says(1) == "One two three"


def test_the_rest_is_unheard_once_it_is_over() -> None:
    heard = hearing((0, 151))
    assert heard.unheard(1) == ""
    heard.cut()
    assert heard.unheard(1) == "three"


def test_what_was_skipped_is_lost_and_what_came_again_is_repeated() -> None:
    assert hearing((0, 100), (100, 100)).lost_samples == 0
    assert hearing((0, 100), (130, 100)).lost_samples == 30
    again = hearing((0, 100), (60, 100))
    assert (again.lost_samples, again.repeated_samples) == (0, 40)


def test_words_and_utterances_begin_at_the_sample() -> None:
    heard = Hearing(RATE_HZ)
    heard.show(WordsShown(0, 1, 0, WORDS))
    first = heard.sounded(Sounded(1000.0, 1, 0, 128, 0))
    then = heard.sounded(Sounded(1128.0, 1, 128, 128, 0))
    told = [(each.what, each.text, each.at_ms) for each in first + then]
    assert told == [
        (What.BOT_STARTED, "", 1000.0),
        (What.BOT_WORD, "One", 1000.0),
        (What.BOT_WORD, "two", 1100.0),
        (What.BOT_WORD, "three", 1250.0),
    ]


def test_an_end_is_told_once() -> None:
    heard = hearing((0, 400))
    assert [each.what for each in heard.finished(Finished(400, 1, 400))] == [What.BOT_STOPPED]
    assert heard.finished(Finished(900, 1, 400)) == []
    assert heard.is_over(1)
    assert not heard.is_over(2)
