"""A reply in pieces: the first clause at once, then sentences; the text is never changed."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bargein.clauses import MS_PER_CHARACTER, ClauseRules, Clauses, Piece

ALL_AT_ONCE_MS = 0.0
"""The model is so fast that no time passes."""

REPLIES = {
    "a clause, then the rest of its sentence": (
        "I have checked your order, and it left this morning. You get it on Friday."
        " It is paid, too.",
        "I have checked your order, | and it left this morning. | You get it on Friday."
        " | It is paid, too.",
    ),
    "a short sentence": (
        "Of course. Your total is $1,200.50, which is due at 7:30.",
        "Of course. | Your total is $1,200.50, | which is due at 7:30.",
    ),
    "a long word stands alone": ("Unfortunately, it is late.", "Unfortunately, | it is late."),
    "one word is too little": ("Yes, it is late.", "Yes, it is late."),
    "before a conjunction": (
        "I would love to help you with that but it is late.",
        "I would love to help you with that | but it is late.",
    ),
    "two words with 'and' hold together": (
        "I like bread and butter. Really.",
        "I like bread and butter. | Really.",
    ),
    "no clause in sight": (
        "That would depend on how many people are coming to the restaurant with you on that"
        " evening, I guess.",
        "That would depend on how many people | are coming to the restaurant with you on that"
        " evening, I guess.",
    ),
    "nothing but words": ("one " * 30 + "one.", "one " * 8 + "| " + "one " * 22 + "one."),
    "a line is a sentence": (
        "Your options:\n1. The first\n2. The other",
        "Your options: | 1. The first | 2. The other",
    ),
    "nothing": ("", ""),
    "whitespace": (" \n ", ""),
    "no mark at the end": ("It is here", "It is here"),
}


def spoken(reply: str, *, tokens: list[str] | None = None, token_ms: float = 0.0) -> list[Piece]:
    """Stream a reply, by default a word at a time as models do, and gather the pieces."""
    clauses, pieces = Clauses(), []
    for number, token in enumerate(tokens or re.findall(r"\s*\S+", reply)):
        pieces += clauses.add(token, number * token_ms)
    return pieces + clauses.end()


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_goes_to_the_voice_in_pieces(name: str) -> None:
    reply, expected = REPLIES[name]
    assert " | ".join(piece.text for piece in spoken(reply)) == expected


def test_a_piece_says_whether_its_sentence_goes_on() -> None:
    pieces = spoken("Of course. I have checked, and it is fine. Good bye")
    assert [(piece.text, piece.goes_on) for piece in pieces] == [
        ("Of course.", False),
        ("I have checked,", True),
        ("and it is fine.", False),
        ("Good bye", False),
    ]


LONG = "I have it here, and it is red, and it is large, and it is very heavy, and it is yours."


def test_a_fast_model_is_waited_for_to_the_end_of_the_sentence() -> None:
    assert len(spoken(LONG, token_ms=10)) == 2


def test_a_slow_model_is_spoken_clause_by_clause() -> None:
    assert [piece.text[-6:] for piece in spoken(LONG, token_ms=250)] == [
        " here,",
        "s red,",
        "large,",
        "heavy,",
        "yours.",
    ]


def test_the_voice_runs_dry_at_the_bridge_and_not_before() -> None:
    first, rules = "I have it here,", ClauseRules()
    enough_ms = len(first) * MS_PER_CHARACTER - rules.bridge_ms
    for now_ms, expected in ((enough_ms - 1, []), (enough_ms, ["it is red,"])):
        clauses = Clauses(rules)
        assert clauses.add(f"{first} it", 0)
        assert [piece.text for piece in clauses.add(" is red, a", now_ms)] == expected


def test_a_sentence_without_an_end_is_cut_while_the_voice_is_busy() -> None:
    clauses = Clauses(ClauseRules(bridge_ms=0))
    clauses.add("This is the beginning of it. ", 0)
    pieces = [piece for _ in range(1000) for piece in clauses.add("word, ", 0)]
    assert max(len(piece.text.split()) for piece in pieces) == 60


texts = st.text(alphabet="abI .,;:!?-—\n\"'()1e`*<>/。Dr", max_size=80)
WORDS = (
    'I have seen the order, and it left. Dr. Smith came at 7:30 (really) "yes," no! e.g. 3.5'
    " because - – — https://a.b/c,d unfortunately it: $1,200 go; 1. well... said?"
)
word = st.sampled_from(WORDS.split())
sentences = st.lists(word, max_size=40).map(" ".join)


GLUED = re.compile(r"[^\W\d_][,:]\S")
"""A mark behind letters without a space behind it: of two tokens it makes two pieces."""


def splits(text: str) -> st.SearchStrategy[list[str]]:
    """Every way in which a text may come in tokens."""
    places = st.sets(st.integers(0, len(text)), max_size=20)
    return places.map(
        lambda at: [text[a:b] for a, b in pairwise([0, *sorted(at), len(text)])],
    )


@given(st.one_of(sentences, texts).flatmap(splits), st.floats(0, 300))
@example(["Dr", ".", " Smith"], 0)
def test_joined_with_spaces_the_pieces_are_the_text(tokens: list[str], token_ms: float) -> None:
    text = "".join(tokens)
    pieces = spoken(text, tokens=tokens, token_ms=token_ms)
    said = " ".join(piece.text for piece in pieces)
    if "。" in text or GLUED.search(text):
        assert re.sub(r"\s", "", said) == re.sub(r"\s", "", text)
    else:
        assert said.split() == text.split()
    assert all(piece.text and piece.text == piece.text.strip() for piece in pieces)


@given(sentences)
def test_a_text_with_single_spaces_stays_what_it_is(text: str) -> None:
    assert " ".join(piece.text for piece in spoken(text)) == text


@given(st.one_of(sentences, texts).flatmap(splits))
def test_the_pieces_do_not_depend_on_the_tokens(tokens: list[str]) -> None:
    text = "".join(tokens)
    assume(not GLUED.search(text))
    assert (
        spoken(text, tokens=tokens) == spoken(text, tokens=[text]) == spoken(text, tokens=[*text])
    )


@given(sentences.flatmap(splits), st.integers(0, 20), sentences)
def test_interrupted_at_any_token_nothing_is_left_for_the_next_reply(
    tokens: list[str], heard: int, then: str
) -> None:
    clauses = Clauses()
    for token in tokens[:heard]:
        clauses.add(token, ALL_AT_ONCE_MS)
    clauses.clear()
    assert clauses == Clauses()
    assert [*clauses.add(then, ALL_AT_ONCE_MS), *clauses.end()] == spoken(then, tokens=[then])


def counted(text: str) -> int:
    """Words, of which a long one counts for several."""
    return sum(max(1, len(word) // 5) for word in text.split())


@given(sentences, st.integers(1, 6), st.integers(6, 20))
def test_the_first_piece_keeps_to_the_rules(text: str, min_words: int, max_words: int) -> None:
    pieces = Clauses(ClauseRules(min_words, max_words)).add(text, ALL_AT_ONCE_MS)
    if pieces:
        longest = max(map(counted, text.split()))
        assert min_words <= counted(pieces[0].text) <= max(max_words, min_words + longest)
