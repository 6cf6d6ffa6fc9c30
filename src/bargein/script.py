"""A script: what the user may say and what the bot answers, read from YAML and checked.

The model is the file's format: each key of the YAML is a field here. What a conversation
does with it stands in `conversation.py`, what the recogniser makes of it in `grammar.py`, what
keeps it from working in `script_checks.py`, and how a topic calls tools in `script_calls.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bargein import pattern
from bargein.script_calls import OTHER_ERROR, ToolCall

KeyPath = tuple[str | int, ...]

BUILT_IN_SLOTS = frozenset({"list", "added"})
"""Slots of every answer: all that was ordered so far, and what this answer adds to it."""


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
"""One text or a list of texts."""


def _by_code(value: object) -> object:
    return {OTHER_ERROR: value} if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlotValues(_Part):
    """What a slot may hold."""

    values: dict[str, str] = Field(
        min_length=1, description="The value as the bot says it: the pattern in which it is heard."
    )
    hear: Texts = Field(
        default=(), description="How it is said alone, as the answer to a question; `{slot}` too."
    )
    means: dict[str, Any] = Field(
        default_factory=dict,
        description="What a tool gets in place of a value's text: a number, an identifier.",
    )


class Question(_Part):
    """What to ask while an item lacks something."""

    slot: str = Field(description="The slot to fill.")
    say: str = Field(min_length=1, description="The question.")
    if_slot: str | None = Field(
        default=None, alias="if", description="Ask only for items in which this slot is filled."
    )


class Topic(_Part):
    """One thing that the user may say, and the answer to it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Unique in the script.")
    hear: Texts = Field(min_length=1, description="Patterns; one of them must take every word.")
    say: Texts = Field(
        default=("",), min_length=1, description="The answer; of several, each in its turn."
    )
    after: str | None = Field(
        default=None, description="Heard only while this question is open (see `leaves_open`)."
    )
    leaves_open: str | None = Field(
        default=None, description="The question that the answer leaves open, by any name."
    )
    asks: tuple[Question, ...] = Field(
        default=(), description="Questions that come before the answer, while slots are empty."
    )
    adds: str | None = Field(
        default=None, description="What each item adds to the list that `{list}` reads out."
    )
    say_if_list_empty: str | None = Field(
        default=None, description="The answer while nothing is on the list."
    )
    clears: bool = Field(default=False, description="Empties the list and drops open questions.")
    drops_question: bool = Field(default=False, description="Drops open questions only.")
    repeats: bool = Field(default=False, description="Says the bot's last answer again.")
    calls: tuple[ToolCall, ...] = Field(
        default=(), description="Tools that are called; the answer is said when all have returned."
    )
    say_first: str = Field(default="", description="What is said when the tools are called.")
    say_on_error: Annotated[dict[str, str], BeforeValidator(_by_code)] = Field(
        default_factory=dict,
        description="The answer if a tool gives an error, by its code; `other` is all the rest.",
    )


class Script(_Part):
    """A whole script; build it with `parse`, which checks it as well."""

    name: str = Field(min_length=1, description="What the bot is called.")
    greeting: str = Field(default="", description="What the bot says before anybody has spoken.")
    examples: tuple[str, ...] = Field(
        default=(), description="Shown to the user as what one can say; each must be understood."
    )
    fallback: Texts = Field(min_length=1, description="The answer to what no pattern takes.")
    before: str = Field(default="", description="Words that may come before any pattern.")
    after: str = Field(default="", description="Words that may come after any pattern.")
    pronunciations: dict[str, str] = Field(
        default_factory=dict,
        description="Words that the recogniser's dictionary lacks, in ARPAbet: `L AA T EY Z`.",
    )
    phrases: dict[str, str] = Field(default_factory=dict, description="Patterns with names.")
    slots: dict[str, SlotValues] = Field(default_factory=dict, description="Slots by name.")
    topics: tuple[Topic, ...] = Field(min_length=1, description="The first that fits answers.")

    @cached_property
    def rules(self) -> pattern.Rules:
        """What the names in this script's patterns stand for."""
        return pattern.Rules(
            phrases={name: pattern.parse(text) for name, text in self.phrases.items()},
            slots={
                name: {value: pattern.parse(text) for value, text in slot.values.items()}
                for name, slot in self.slots.items()
            },
        )

    @cached_property
    def heard(self) -> Mapping[str, tuple[pattern.Node, ...]]:
        """The parsed patterns of each topic, by its name."""
        return {topic.name: tuple(map(pattern.parse, topic.hear)) for topic in self.topics}

    @cached_property
    def replies(self) -> Mapping[str, tuple[pattern.Node, ...]]:
        """The parsed patterns that fill each slot about which a topic asks, by its name."""
        asked = {question.slot for topic in self.topics for question in topic.asks}
        return {
            name: (*map(pattern.parse, self.slots[name].hear), pattern.Slot(name))
            for name in sorted(asked)
        }

    def polite(self, node: pattern.Node) -> pattern.Node:
        """Allow the script's words before and after a pattern."""
        around = (self.before, self.after)
        before, after = (
            (pattern.Repeat(pattern.parse(text), 0, again=False),) if text else ()
            for text in around
        )
        return pattern.InOrder((*before, node, *after)) if before or after else node


def patterns_of(script: Script) -> Iterator[tuple[KeyPath, str]]:
    """Give every pattern that is heard, with the key path where it stands."""
    for key in ("before", "after"):
        if text := getattr(script, key):
            yield (key,), text
    for name, text in script.phrases.items():
        yield ("phrases", name), text
    for name, slot in script.slots.items():
        for value, text in slot.values.items():
            yield ("slots", name, "values", value), text
        for index, text in enumerate(slot.hear):
            yield ("slots", name, "hear", index), text
    for number, topic in enumerate(script.topics):
        for index, text in enumerate(topic.hear):
            yield ("topics", number, "hear", index), text


def words_of(script: Script) -> Iterator[tuple[KeyPath, str]]:
    """Give every word that the recogniser must know, with the key paths where it stands."""
    for path, text in patterns_of(script):
        for node in pattern.walk(pattern.parse(text)):
            if isinstance(node, pattern.Word):
                yield path, node.text
