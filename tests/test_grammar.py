"""The grammar takes just what the script understands."""

from __future__ import annotations

from bargein.grammar import jsgf
from bargein.script import words_of
from bargein.script_checks import parse

SCRIPT = parse(
    {
        "name": "Tea house",
        "fallback": "Pardon?",
        "after": "please",
        "slots": {"size": {"values": {"small": "small", "large": "large | big"}}},
        "phrases": {"cup": "a [{size}] tea"},
        "topics": [
            {
                "name": "order",
                "hear": "<cup> (and ; <cup>)*",
                "asks": [{"slot": "size", "say": "Small or large?"}],
            },
            {"name": "bye", "hear": ["bye", "(good | bye) bye"]},
        ],
    }
)


def test_the_rules_are_the_topics_the_replies_the_slots_and_the_phrases() -> None:
    assert jsgf(SCRIPT).splitlines() == [
        "#JSGF V1.0;",
        "grammar tea_house;",
        "public <said> = (<phrase_cup> (and <phrase_cup>)* | bye | (good | bye) bye | <slot_size>)"
        " [please];",
        "<slot_size> = small | (large | big);",
        "<phrase_cup> = a [<slot_size>] tea;",
    ]


def test_every_word_of_the_grammar_is_a_word_that_the_recogniser_must_know() -> None:
    assert {word for _, word in words_of(SCRIPT)} == {
        *("a", "tea", "and", "small", "large", "big", "bye", "good", "please"),
    }
