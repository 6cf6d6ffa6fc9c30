"""Where a text may be cut, and where not; `|` marks each place of at least that kind."""

from __future__ import annotations

import pytest

from bargein.clause_ends import Kind, cuts


def marked(text: str, kind: Kind) -> str:
    """Put a bar at each place of this kind or a better one."""
    found = [cut.at for cut in cuts(text) if cut.kind >= kind]
    for at in reversed(found):
        text = f"{text[:at]}|{text[at:]}"
    return text


SENTENCES = (
    "It left today.| You will have it on Friday.",
    "Is it late?| No!| It is here.",
    "Is it, really?| Yes.",
    "It came…| Then it left.",
    '"It is here."| She smiled.',
    "It is here (I think).| Good.",
    "**It is here.**| Good.",
    "First line|\nsecond line",
    "Options:|\n1. Cheap.|\n2. Fast.|\n- milk|\n* bread",
    "你好。|我今天很高兴！|你呢？",
    "यह यहाँ है।| अच्छा।",
    # None of these
    "Dr. Smith and Mrs. Jones of No. 5 St. John Ave. are here",
    "See e.g. the U.S. edition, i.e. mine, at 9 a.m. tomorrow",
    "It costs $1,200.50 or 3.5 percent at 7:30 in v1.2.3",
    "See https://example.com/a.b?c=d!e or mail me@example.com now",
    "On Jan. 5 or Feb. 6",
    "J. R. R. Tolkien wrote it",
    "Well... let me see",
    '"Really?" she said',
    "She said (it was late. Very late) and left",
    'She said "It is here. Come." and left',
    "Use `a. B` there",
    "<say>St. Louis. Yes.</say> is there",
    "Is it. what",
)

CLAUSES = (
    "Yes,| it is here;| look:| there.",
    'Yes,| "it is here",| he said.',
    "Well...| let me see",
    "It came —| at last –| it came",
    "It came -| at last",
    # None of these
    "He came—and went",
    "On March 3, 2025",
    "The score was 3: 2, 5 - 7 or 5 – 7",
    "It costs 1,200 at 7:30",
    "- milk",
    "He (Jim, or John) came",
    'He said "yes, but" and left',
)

CONJUNCTIONS = (
    "I like bread| and butter| or jam",
    "I came| because you called",
    # None of these
    "I came with and without it",
    "The android orders sandwiches",
    "I like bread an",
    "I like bread and",
)


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_ends(text: str) -> None:
    assert marked(text.replace("|", ""), Kind.SENTENCE) == text


@pytest.mark.parametrize("text", CLAUSES)
def test_a_clause_ends(text: str) -> None:
    assert marked(text.replace("|", ""), Kind.CLAUSE) == text


@pytest.mark.parametrize("text", CONJUNCTIONS)
def test_a_clause_may_end_before_a_conjunction(text: str) -> None:
    assert marked(text.replace("|", ""), Kind.CONJUNCTION) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("we came | to town", Kind.PHRASE),
        ("we saw | Jim today", Kind.GAP),
        ("the | town again", Kind.ANYWHERE),
        ("room | five is", Kind.GAP),
        ("mostly | sunny today", Kind.ANYWHERE),
        ("as long | as it", Kind.ANYWHERE),
        ("room | 5 is", Kind.ANYWHERE),
        ("5 | dollars more", Kind.ANYWHERE),
        ("(so | Jim came", Kind.ANYWHERE),
    ],
)
def test_words_hold_together_more_or_less(text: str, kind: Kind) -> None:
    at = text.index("|") - 1
    found = {cut.at: cut.kind for cut in cuts(text.replace(" |", ""))}
    assert found[at] is kind


@pytest.mark.parametrize("text", ["It is 3.", "It is Dr. ", 'It is here. "', "and"])
def test_nothing_is_said_about_a_place_behind_which_nothing_is_known(text: str) -> None:
    assert all(cut.kind < Kind.CONJUNCTION for cut in cuts(text))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Of course,", True),
        ("As you like it, don\u2019t you,", True),
        ("It costs 5,", False),
        ("See https://example.com/a,", False),
        ('He said "yes,', False),
        ("He (Jim,", False),
        ("Of course, ", True),
        ("It costs 5, ", False),
        ("Of course.", False),
        ("Options:", True),
        ("Number five:", True),
        ("At 7:", False),
        ("See https:", False),
    ],
)
def test_a_comma_or_a_colon_behind_letters_ends_a_clause_at_once(text: str, known: bool) -> None:
    assert (
        len(text.rstrip()) in {cut.at for cut in cuts(text) if cut.kind is Kind.CLAUSE}
    ) is known


def test_a_long_word_counts_for_several() -> None:
    assert [cut.words for cut in cuts("I am unfortunately out of it")] == [1, 2, 4, 5]
