"""A channel with a small bound gets what it can take, and nothing of it is wrong."""

from __future__ import annotations

import pytest

from bargein.protocol import Accepted, Codec, Message, SpokenWord, Transcript, Welcome, Words
from bargein.small_messages import fitted

MOST = 700
LONG = "word " * 500


def sizes(messages: list[Message]) -> list[int]:
    return [len(Codec.write(each).encode()) for each in messages]


def words(count: int) -> Words:
    spoken = tuple(SpokenWord(text=f"w{n}", start_sample=n, end_sample=n + 1) for n in range(count))
    return Words(utterance=3, first_word=7, words=spoken)


def test_what_fits_stays_as_it_is() -> None:
    assert fitted(words(2), MOST) == [words(2)]


@pytest.mark.parametrize("count", [8, 9, 100])
def test_many_words_are_told_in_parts_that_join_to_the_same(count: int) -> None:
    parts = fitted(words(count), MOST)
    assert max(sizes(parts)) <= MOST
    told: dict[int, SpokenWord] = {}
    for part in parts:
        assert isinstance(part, Words)
        told |= {part.first_word + n: word for n, word in enumerate(part.words)}
    assert [told[7 + n] for n in range(count)] == list(words(count).words)


def test_a_cut_keeps_the_words_around_it() -> None:
    (told,) = fitted(
        Accepted(utterance=1, cut_samples=5, heard_text=f"{LONG}x", unheard_text=f"y{LONG}"), MOST
    )
    assert isinstance(told, Accepted)
    assert (told.utterance, told.cut_samples) == (1, 5)
    assert told.heard_text.endswith("word x")
    assert told.unheard_text.startswith("yword")


def test_a_transcript_keeps_its_end_and_a_welcome_its_first_examples() -> None:
    (transcript,) = fitted(Transcript(text=f"{LONG}end", final=True), MOST)
    assert isinstance(transcript, Transcript)
    assert transcript.text.endswith("end")
    (welcome,) = fitted(Welcome(examples=tuple(f"{n} " * 30 for n in range(50))), MOST)
    assert isinstance(welcome, Welcome)
    assert welcome.examples[0].startswith("0 ")
    assert max(sizes([transcript, welcome])) <= MOST


def test_what_can_not_be_made_small_is_not_sent() -> None:
    word = SpokenWord(text="w" * 2000, start_sample=0, end_sample=1)
    assert fitted(Words(utterance=1, words=(word,)), MOST) == []
