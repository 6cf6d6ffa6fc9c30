"""Which words a polite listener would wait behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.unfinished import Ending, ending

CASES: list[tuple[Ending, tuple[str, ...]]] = [
    (
        Ending.NUMBER,
        (
            *("my number is five five five", "My number is 555.", "my phone number is 4 1 5"),
            *("five five five", "5 5 5", "it's oh seven seven", "oh seven", "+49 170", "415 555"),
            *(
                "seven double",
                "my number is five",
                "four two dash",
                "twenty three fifty one thirty",
            ),
            *("the code is four two", "my zip code is nine four one", "card ending in four two"),
            *("the order number is six three one", "my account number is two hundred"),
            *(
                "one zero",
                "one zero zero zero one nine oh two",
                "my card is four one one one",
                "three point",
            ),
        ),
    ),
    (
        Ending.OPEN,
        (
            *("a table for two", "I am thirty four", "it costs five", "five", "oh", "zero"),
            *("my number is five five five one two three four", "555-1234", "it costs 555"),
            *("two hundred", "the code is four two seven one", "extension two two two"),
            *("room number five", "the number of guests is five", "the total is two hundred"),
            *("twenty twenty four", "nineteen ninety nine", "at seven thirty", "at seven", "10:30"),
        ),
    ),
    (
        Ending.TOLD,
        (
            "my number is four one five five five five one two three four",
            "five five five oh one two, four four nine seven",
            "my zip code is nine four one zero seven",
            "my card is four one one one two two two two three three three three nine nine nine"
            " nine",
        ),
    ),
    (
        Ending.SPELLING,
        (
            *("s m i t", "S-M-I", "S. M. I.", "my name is smith s m i", "it's spelled b"),
            *(
                "s as in",
                "S as in Sam",
                "s as in sam m",
                "my name is smith s",
                "b for boy",
                "sierra mike",
                "b four two",
            ),
        ),
    ),
    (
        Ending.OPEN,
        (
            *("my name is smith s m i t h", "my name is Sam S as in Sam A as in Anna M as in Mary"),
            *("plan b", "gate b twelve", "I watch t v", "at seven p m", "in the u s a"),
        ),
    ),
    (
        Ending.ADDRESS,
        (
            *("john dot", "john dot smith", "john dot smith at example", "my email is john at"),
            *("my email is john", "john@example", "I live at twelve", "I live at twelve oak"),
        ),
    ),
    (
        Ending.OPEN,
        (
            *("john dot smith at example dot com", "my email is john@example.com"),
            *("I live at twelve oak street", "I live at home", "send me an email"),
        ),
    ),
    (Ending.DATE, ("on the third of", "the 3rd of", "between five", "between Monday")),
    (Ending.OPEN, ("on the third of may", "in may", "between five and six")),
    (
        Ending.WORD,
        (
            *("and", "and.", "the", "I'd like a", "I'd like a.", "I'd like", "well I'd like"),
            *("because", "my name is", "my number is", "can I", "um", "half past", "it was i"),
            *("I need", "two teas and", "not because my"),
        ),
    ),
    (
        Ending.LEANING,
        (
            *("I want to", "how much is", "it is", "so", "we", "I want two,", "I was looking for"),
            *(
                "it's spelled",
                "the price of",
                "wait -",
                "and then …",
                "he is looking for gold at",
                "when a man looks for",
                "there was",
            ),
        ),
    ),
    (
        Ending.OPEN,
        (
            *(
                "what",
                "I know what",
                "yes it is",
                "no I don't",
                "hold on",
            ),
            *("turn it on", "log in", "I think so", "where is she", "could you tell me where"),
            *("neither did I", "so do I", "that's all I need", "I know what it is", "yes", "no"),
            *("no thanks", "how are you", "two people", "that's all", "hello"),
        ),
    ),
    (
        Ending.ASKED,
        (
            *("where are you from", "what is it for", "what do you have", "what time is it"),
            *("wait, can you bring the bill", "okay how much is the large one", "two teas please"),
        ),
    ),
    (Ending.SENTENCE, ("Two teas.", "Is it?", "I want to.", "At 7 p.m.", "Yes!", 'He said "no."')),
]


@pytest.mark.parametrize(
    ("text", "expected"), [(text, expected) for expected, texts in CASES for text in texts]
)
def test_how_a_text_ends(text: str, expected: Ending) -> None:
    assert ending(text) is expected


OTHER_LANGUAGES: list[tuple[str, str, Ending]] = [
    ("de", "meine Nummer ist 5 5 5", Ending.NUMBER),
    ("de-AT", "ich möchte die", Ending.OPEN),
    ("fr", "je voudrais a", Ending.OPEN),
    ("de", "um", Ending.OPEN),
    ("es", "¿Qué hora es?", Ending.SENTENCE),
    ("ja", "お茶をください。", Ending.SENTENCE),
    ("zh", "我想要，", Ending.LEANING),
    ("en-GB", "I'd like a", Ending.WORD),
]


@pytest.mark.parametrize(("language", "text", "expected"), OTHER_LANGUAGES)
def test_english_words_count_in_english_alone(language: str, text: str, expected: Ending) -> None:
    assert ending(text, language=language) is expected


@pytest.mark.parametrize("nothing", ["", " ", ".", "?!", "...", "-", "'"])
def test_of_no_words_nothing_is_known(nothing: str) -> None:
    assert not ending(nothing).waits


@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "a",
                "s",
                "as",
                "in",
                "for",
                "dot",
                "at",
                "five",
                "double",
                "5",
                "oh",
                "hundred",
                "number",
                "is",
                "email",
                "between",
                "of",
                "live",
                "and",
                "sam",
                "i",
                "so",
                "@",
                "+",
            ]
        ),
        max_size=8,
    ).map(" ".join)
)
def test_any_text_ends_somehow(text: str) -> None:
    assert isinstance(ending(text), Ending)
    assert isinstance(ending(text, language="de"), Ending)


def test_more_digits_of_a_number_wait_until_it_is_complete() -> None:
    digits = ["five", "five", "five", "one", "two", "three", "four"]
    told = [ending("my number is " + " ".join(digits[:n])) for n in range(1, 8)]
    assert told == [Ending.NUMBER] * 6 + [Ending.OPEN]


def test_a_name_of_the_turn_before_is_complete_when_its_letters_are() -> None:
    before = "My name is Martin."
    assert ending("it is spelled m a r t i", before=before) is Ending.SPELLING
    assert ending("It is spelled M, A, R, T, I, N.", before=before) is Ending.SENTENCE
    assert ending("It is spelled M, A, R, T, I, N.") is Ending.SPELLING
