"""What scripts understand and answer, and which scripts are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein import pattern
from bargein.config.problems import InvalidConfigError
from bargein.conversation import Conversation
from bargein.script_calls import in_words
from bargein.script_checks import parse
from bargein.scripted_reply import UserSaid, reply_to

TEA: dict[str, Any] = {
    "name": "Tea house",
    "greeting": "Welcome.",
    "examples": ["A green tea please"],
    "fallback": ["Pardon?", "What?"],
    "after": "please",
    "slots": {
        "tea": {"values": {"green tea": "green tea | sencha", "black tea": "black tea"}},
        "size": {"values": {"small": "small", "large": "large | big"}, "hear": ["a {size} one"]},
    },
    "phrases": {"cup": "[a] [{size}] {tea}"},
    "topics": [
        {
            "name": "order",
            "hear": "[and] <cup> (and ; <cup>)*",
            "asks": [{"slot": "size", "say": "Small or large?"}],
            "adds": "a {size} {tea}",
            "say": "{added}. Anything else?",
            "leaves_open": "more",
        },
        {"name": "no_more", "after": "more", "hear": "no", "say": "So {list}."},
        {"name": "no", "hear": "no", "say": "Fine."},
        {"name": "list", "hear": "what is it", "say": "{list}.", "say_if_list_empty": "Nothing."},
        {"name": "story", "hear": "tell me more", "say": ["Once.", "Twice."]},
        {"name": "never_mind", "hear": "never mind", "say": "All right.", "drops_question": True},
        {"name": "cancel", "hear": "cancel", "say": "Gone.", "clears": True},
        {"name": "repeat", "hear": "once more", "repeats": True},
        {"name": "hush", "hear": "hush"},
    ],
}

TALKS: dict[str, list[tuple[str, str]]] = {
    "an order with all slots is added": [
        ("A big sencha, please!", "A large green tea. Anything else?")
    ],
    "a missing slot is asked for": [
        ("green tea", "Small or large?"),
        ("a large one please", "A large green tea. Anything else?"),
    ],
    "each item is asked about": [
        ("a green tea and a large black tea", "Small or large?"),
        ("small", "A small green tea and a large black tea. Anything else?"),
    ],
    "what is said besides is answered, and the question asked again": [
        ("green tea", "Small or large?"),
        ("tell me more", "Once. Small or large?"),
        ("small", "A small green tea. Anything else?"),
    ],
    "an item may follow while another is asked about": [
        ("green tea", "Small or large?"),
        ("nonsense", "Small or large?"),
        ("large", "A large green tea. Anything else?"),
    ],
    "an answer to an open question comes before the same words elsewhere": [
        ("large black tea", "A large black tea. Anything else?"),
        ("no", "So a large black tea."),
        ("no", "Fine."),
    ],
    "answers take turns": [("tell me more", "Once."), ("tell me more", "Twice.")],
    "the list may be empty": [("what is it", "Nothing.")],
    "the list is emptied": [
        ("small black tea", "A small black tea. Anything else?"),
        ("what is it", "A small black tea."),
        ("cancel", "Gone."),
        ("what is it", "Nothing."),
    ],
    "a question may be dropped": [
        ("green tea", "Small or large?"),
        ("never mind", "All right."),
        ("small", "Pardon?"),
    ],
    "the last answer is repeated": [("tell me more", "Once."), ("once more", "Once.")],
    "an answer may be empty": [("hush", "")],
    "what is not understood gets the fallback": [("gin", "Pardon?"), ("rum", "What?")],
}


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS.keys())
def test_a_conversation(talk: list[tuple[str, str]]) -> None:
    conversation = Conversation(parse(TEA))
    assert [conversation.answer(said).text for said, _ in talk] == [answer for _, answer in talk]


def test_the_answer_follows_from_the_users_texts_alone() -> None:
    script = parse(TEA)
    said = [UserSaid(text) for text in ("green tea", "small", "no")]
    assert reply_to(script, []).text == "Welcome."
    assert reply_to(script, said).text == "So a small green tea."


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"colour": "red"}, "there is no key 'colour' here"),
    "misspelt key in a topic": (
        {"topics": [{"name": "a", "heer": "a"}]},
        r"topics\[0\]: there is no key 'heer' here. Did you mean 'hear'\?",
    ),
    "no topics": ({"topics": []}, "topics: "),
    "unclosed bracket": ({"phrases": {"cup": "[a"}}, "phrases.cup: '\\[' is not closed by '\\]'"),
    "stray bracket": ({"phrases": {"cup": "a ]"}}, "phrases.cup: '\\]' has no counterpart"),
    "unknown slot": ({"phrases": {"cup": "{tee}"}}, "no slot is called 'tee'; write one of: tea"),
    "unknown phrase": ({"phrases": {"cup": "<mug>"}}, "no phrase is called 'mug'"),
    "endless phrase": ({"phrases": {"cup": "a <cup>"}}, "cup -> cup never ends"),
    "digits": ({"after": "4 you"}, "after: '4' is no word"),
    "silence": ({"topics": [{"name": "a", "hear": "[a]"}]}, r"topics\[0\].hear\[0\]: .* silence"),
    "slot that may be empty": (
        {"topics": [{"name": "a", "hear": "[{size}] tea", "say": "{size}"}], "examples": []},
        r"topics\[0\].say\[0\]: '\{size\}' may be empty here",
    ),
    "unknown slot in an answer": (
        {"topics": [{"name": "a", "hear": "a", "say": "[{sighs}]"}], "examples": []},
        "no slot is called 'sighs'",
    ),
    "question that nobody asks": (
        {"topics": [{"name": "a", "hear": "a", "after": "b"}]},
        r"topics\[0\].after: nothing leaves 'b' open",
    ),
    "same name twice": ({"topics": [{"name": "a", "hear": "a"}] * 2}, "'a' is taken"),
    "example that is not understood": ({"examples": ["A beer"]}, r"examples\[0\]: no topic"),
    "pronunciation that is none": (
        {"pronunciations": {"tea": "T EE"}},
        "pronunciations.tea: 'EE' is no phone",
    ),
}


@pytest.mark.parametrize(("change", "error"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_key_path_and_the_way_out(
    change: dict[str, Any], error: str
) -> None:
    with pytest.raises(InvalidConfigError, match=error):
        parse(TEA | change)


def test_all_mistakes_are_named_together() -> None:
    wrong = {
        "phrases": {"cup": "[a] {tee}", "two": "a <two>", "open": "(a"},
        "after": "4 you",
        "pronunciations": {"tea": "T EE"},
        "topics": [{"name": "a", "hear": "a", "say": "{sise}", "after": "b"}],
    }
    with pytest.raises(InvalidConfigError) as caught:
        parse(TEA | wrong)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "phrases.open",
        "phrases.cup",
        "phrases.two",
        "after",
        "topics[0].after",
        "topics[0].say[0]",
        "pronunciations.tea",
    ]
    assert "Did you mean 'tea'?" in str(caught.value)
    assert "Did you mean 'size'?" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({"gretting": "Hi."}, "Did you mean 'greeting'?"),
        (
            {"slots": {"tea": {"value": {}}}},
            "slots.tea: there is no key 'value' here. Did you mean",
        ),
        (
            {"topics": [{"name": "a", "hear": "a", "asks": [{"slot": "tea", "sai": "b"}]}]},
            "topics[0].asks[0]: there is no key 'sai' here. Did you mean 'say'?",
        ),
    ],
)
def test_a_misspelt_key_is_one_mistake_with_a_near_key(change: dict[str, Any], near: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        parse(TEA | change)
    (problem,) = str(caught.value).splitlines()
    assert near in problem


def test_a_circle_of_phrases_is_named_once() -> None:
    with pytest.raises(InvalidConfigError) as caught:
        parse(TEA | {"phrases": {"cup": "<mug>", "mug": "a <cup>", "pot": "<cup>"}})
    (problem,) = str(caught.value).splitlines()
    assert "cup -> mug -> cup never ends" in problem


@pytest.mark.parametrize(
    ("written", "said", "fits"),
    [
        ("a [b] c", "a c", True),
        ("a [b] c", "a b c", True),
        ("a (b | c d)", "a c d", True),
        ("a (b | c d)", "a b d", False),
        ("(a)+ b", "a a a b", True),
        ("(a)+ b", "b", False),
        ("(a)* b", "b", True),
        ("([a] [b])* c", "b a b c", True),
    ],
)
def test_a_pattern_takes_every_word_or_does_not_fit(written: str, said: str, fits: bool) -> None:
    found = pattern.match(pattern.parse(written), said.split(), pattern.Rules())
    assert (found is not None) is fits


@given(st.text())
def test_whatever_is_said_gets_an_answer(text: str) -> None:
    Conversation(parse(TEA)).answer(text)


def test_items_are_joined_as_one_says_them() -> None:
    assert [in_words(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
