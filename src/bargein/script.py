"""A script: what the user may say and what the bot answers, read from YAML and checked.

The model is the file's format: each key of the YAML is a field here. What a conversation
does with it stands in `conversation.py`, what the recogniser makes of it in `grammar.py`.
The checks stand beside the model because `parse` promises a script that works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bargein import pattern
from bargein.errors import ConfigError, Place

KeyPath = tuple[str | int, ...]

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W"
    " Y Z ZH"
)
"""The ARPAbet phones of the CMU dictionary, whose words PocketSphinx knows."""

BUILT_IN_SLOTS = frozenset({"list", "added"})
"""Slots of every answer: all that was ordered so far, and what this answer adds to it."""


class ScriptError(ConfigError):
    """A script that cannot work; `key_path` says where in it, `place` where in its file."""

    def __init__(self, key_path: KeyPath, message: str, *, place: Place | None = None) -> None:
        """Prefix the message with the key path, written as in `topics[2].hear[0]`."""
        super().__init__(f"{_dotted(key_path)}: {message}", place=place)
        self.key_path = key_path
        self.message = message

    def at(self, place: Place) -> ScriptError:
        """Give the same error with the place in the file that holds the script."""
        return ScriptError(self.key_path, self.message, place=place)


def _dotted(key_path: KeyPath) -> str:
    written = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in key_path)
    return written.removeprefix(".") or "script"


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
"""One text or a list of texts."""


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

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Script:
        """Build a script from the mapping that its YAML holds; raises `ScriptError`."""
        try:
            script = cls.model_validate(mapping)
        except ValidationError as error:
            # A misspelt key is also a missing one; the misspelling is what there is to see.
            first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
            raise ScriptError(first["loc"], _way_out(first["type"], first["msg"])) from None
        _check(script)
        return script

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

    def words(self) -> frozenset[str]:
        """Give every word that the recogniser must know."""
        return frozenset(
            node.text
            for _, text in patterns_of(self)
            for node in pattern.walk(pattern.parse(text))
            if isinstance(node, pattern.Word)
        )


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


def _way_out(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such key in a script; remove it or correct its spelling"
    if kind == "missing":
        return "this key is missing; add it"
    return message[0].lower() + message[1:]


def _check(script: Script) -> None:
    parsed = {path: _parsed(path, text) for path, text in patterns_of(script)}
    for path, node in parsed.items():
        _check_names(script, path, node)
    for name in script.phrases:
        _check_loop(script, name, ())
    for path, node in parsed.items():
        _check_heard(script, path, node)
    for number, topic in enumerate(script.topics):
        _check_topic(script, number, topic)
    _check_pronunciations(script)
    _check_examples(script)


def _parsed(path: KeyPath, text: str) -> pattern.Node:
    try:
        return pattern.parse(text)
    except pattern.PatternError as error:
        raise ScriptError(path, f"{error}; close it or take it out") from None


def _check_names(script: Script, path: KeyPath, node: pattern.Node) -> None:
    for part in pattern.walk(node):
        if isinstance(part, pattern.Phrase) and part.name not in script.phrases:
            known = ", ".join(script.phrases) or "none"
            raise ScriptError(path, f"no phrase is called '{part.name}'; write one of: {known}")
        if isinstance(part, pattern.Slot) and part.name not in script.slots:
            known = ", ".join(script.slots) or "none"
            raise ScriptError(path, f"no slot is called '{part.name}'; write one of: {known}")
        if isinstance(part, pattern.Slot) and path[0] in ("before", "after"):
            raise ScriptError(path, f"{{{part.name}}} may not stand here; write words only")
        if isinstance(part, pattern.Slot | pattern.Phrase) and "values" in path:
            raise ScriptError(path, f"'{part.name}' may not stand in a value; write words only")


def _check_loop(script: Script, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        loop = " -> ".join((*above[above.index(name) :], name))
        raise ScriptError(("phrases", name), f"{loop} never ends; take one of them out")
    for part in pattern.walk(pattern.parse(script.phrases[name])):
        if isinstance(part, pattern.Phrase):
            _check_loop(script, part.name, (*above, name))


def _check_heard(script: Script, path: KeyPath, node: pattern.Node) -> None:
    for part in pattern.walk(node):
        if isinstance(part, pattern.Word) and not pattern.HEARD_WORD.match(part.text):
            raise ScriptError(
                path,
                f"'{part.text}' is no word; write small letters and apostrophes, numbers spelt out",
            )
    if path[0] != "phrases" and pattern.takes_nothing(node, script.rules):
        raise ScriptError(path, "this takes silence for words; let one word be required")


def _check_topic(script: Script, number: int, topic: Topic) -> None:
    path: KeyPath = ("topics", number)
    if topic.name in [earlier.name for earlier in script.topics[:number]]:
        raise ScriptError((*path, "name"), f"'{topic.name}' is taken; name it otherwise")
    left_open = sorted({other.leaves_open for other in script.topics if other.leaves_open})
    if topic.after and topic.after not in left_open:
        known = ", ".join(left_open) or "none"
        raise ScriptError((*path, "after"), f"nothing leaves '{topic.after}' open; open: {known}")
    for index, question in enumerate(topic.asks):
        for key, slot in (("slot", question.slot), ("if", question.if_slot)):
            if slot is not None and slot not in script.slots:
                known = ", ".join(script.slots) or "none"
                message = f"no slot is called '{slot}'; write one of: {known}"
                raise ScriptError((*path, "asks", index, key), message)
    always = [pattern.always(node, script.rules) for node in script.heard[topic.name]]
    asked = {question.slot for question in topic.asks if question.if_slot is None}
    filled = frozenset.intersection(*always) | asked | BUILT_IN_SLOTS
    for index, text in enumerate(topic.say):
        _check_answer(script, (*path, "say", index), text, filled)
    if topic.adds:
        _check_answer(script, (*path, "adds"), topic.adds, frozenset(script.slots))


def _check_answer(script: Script, path: KeyPath, text: str, filled: frozenset[str]) -> None:
    node = _parsed(path, text)
    for part in pattern.walk(node):
        if isinstance(part, pattern.Slot) and part.name not in {*script.slots, *BUILT_IN_SLOTS}:
            known = ", ".join(sorted({*script.slots, *BUILT_IN_SLOTS}))
            raise ScriptError(path, f"no slot is called '{part.name}'; write one of: {known}")
    if empty := pattern.always(node, script.rules) - filled:
        name = min(empty)
        raise ScriptError(
            path,
            f"'{{{name}}}' may be empty here; put it into [...], or ask for it under 'asks'",
        )


def _check_pronunciations(script: Script) -> None:
    for word, phones in script.pronunciations.items():
        unknown = [phone for phone in phones.split() if phone not in PHONES.split()]
        if unknown or not phones.strip():
            raise ScriptError(
                ("pronunciations", word),
                f"'{' '.join(unknown)}' is no phone; write some of {PHONES}",
            )


def _check_examples(script: Script) -> None:
    nodes = [script.polite(node) for nodes in script.heard.values() for node in nodes]
    for index, text in enumerate(script.examples):
        words = pattern.words_of(text)
        if not any(pattern.match(node, words, script.rules) for node in nodes):
            raise ScriptError(
                ("examples", index), f"no topic understands '{text}'; correct it or add a pattern"
            )
