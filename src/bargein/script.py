"""A script: what the user may say and what the bot answers, read from YAML and checked.

The model is the file's format: each key of the YAML is a field here. What a conversation
does with it stands in `conversation.py`, what the recogniser makes of it in `grammar.py`.
The checks stand beside the model because `parse` promises a script that works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bargein import pattern
from bargein.config.problems import InvalidConfigError, Problem, guess
from bargein.config.tree import Table, to_node
from bargein.config.validate import path_prefix, place_at, validate
from bargein.errors import Place

KeyPath = tuple[str | int, ...]

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W"
    " Y Z ZH"
)
"""The ARPAbet phones of the CMU dictionary, whose words PocketSphinx knows."""

BUILT_IN_SLOTS = frozenset({"list", "added"})
"""Slots of every answer: all that was ordered so far, and what this answer adds to it."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What keeps a script from working, where it stands in it, and the way out."""

    key_path: KeyPath
    message: str

    def in_table(self, table: Table) -> Problem:
        """Give the mistake at its place in the file that the table was read from."""
        place = place_at(table, self.key_path)
        return Problem(place, path_prefix("", self.key_path) + self.message)


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
    def read(cls, table: Table, found: list[Problem]) -> Script | None:
        """Build a script of a file's mapping; None, with every mistake in `found`, if it is wrong.

        What the keys mean together is checked once each of them has a value of its type.
        """
        script, _ = validate(cls, table, "", table.place, found)
        if script is None:
            return None
        mistakes = list(mistakes_in(script))
        found += [mistake.in_table(table) for mistake in mistakes]
        return None if mistakes else script

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Script:
        """Build a script that stands in no file; raises `InvalidConfigError`."""
        found: list[Problem] = []
        table = to_node(mapping, Place("script"))
        assert isinstance(table, Table)
        script = cls.read(table, found)
        if script is None:
            raise InvalidConfigError(found)
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


def mistakes_in(script: Script) -> Iterator[Mistake]:
    """Find what keeps a script from working: all of it, but what only follows from the rest."""
    parsed: dict[KeyPath, pattern.Node] = {}
    names: list[Mistake] = []
    for path, text in patterns_of(script):
        try:
            parsed[path] = pattern.parse(text)
        except pattern.PatternError as error:
            names.append(Mistake(path, f"{error}; close it or take it out"))
    for path, node in parsed.items():
        names += _names(script, path, node)
    names += _loops(script, parsed)
    yield from names
    for path, node in parsed.items():
        yield from _words(path, node)
    for number, topic in enumerate(script.topics):
        yield from _topic(script, number, topic)
    yield from _pronunciations(script)
    if names:  # what a pattern takes is not known while a name in it means nothing
        return
    for path, node in parsed.items():
        if path[0] != "phrases" and pattern.takes_nothing(node, script.rules):
            yield Mistake(path, "this takes silence for words; let one word be required")
    for number, topic in enumerate(script.topics):
        yield from _empty_slots(script, number, topic)
    yield from _examples(script)


def _no_such(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = guess(name, names)
    return f"no {kind} is called '{name}'; write one of: {', '.join(names) or 'none'}.{near}"


def _names(script: Script, path: KeyPath, node: pattern.Node) -> Iterator[Mistake]:
    for part in pattern.walk(node):
        if not isinstance(part, pattern.Slot | pattern.Phrase):
            continue
        if "values" in path:
            yield Mistake(path, f"'{part.name}' may not stand in a value; write words only")
        elif path[0] in ("before", "after"):
            yield Mistake(path, f"'{part.name}' may not stand here; write words only")
        elif isinstance(part, pattern.Phrase) and part.name not in script.phrases:
            yield Mistake(path, _no_such("phrase", part.name, script.phrases))
        elif isinstance(part, pattern.Slot) and part.name not in script.slots:
            yield Mistake(path, _no_such("slot", part.name, script.slots))


def _loops(script: Script, parsed: Mapping[KeyPath, pattern.Node]) -> Iterator[Mistake]:
    """Find phrases that contain themselves; each circle is named once, at its first phrase."""
    inside = {
        name: [
            part.name
            for part in pattern.walk(parsed[("phrases", name)])
            if isinstance(part, pattern.Phrase) and ("phrases", part.name) in parsed
        ]
        for name in script.phrases
        if ("phrases", name) in parsed
    }
    done: set[str] = set()

    def follow(name: str, above: tuple[str, ...]) -> Iterator[Mistake]:
        if name in above:
            loop = " -> ".join((*above[above.index(name) :], name))
            yield Mistake(("phrases", name), f"{loop} never ends; take one of them out")
        elif name not in done:
            for inner in dict.fromkeys(inside[name]):
                yield from follow(inner, (*above, name))
            done.add(name)

    for name in inside:
        yield from follow(name, ())


def _words(path: KeyPath, node: pattern.Node) -> Iterator[Mistake]:
    for part in pattern.walk(node):
        if isinstance(part, pattern.Word) and not pattern.HEARD_WORD.match(part.text):
            yield Mistake(
                path,
                f"'{part.text}' is no word; write small letters and apostrophes, numbers spelt out",
            )


def _topic(script: Script, number: int, topic: Topic) -> Iterator[Mistake]:
    path: KeyPath = ("topics", number)
    if topic.name in [earlier.name for earlier in script.topics[:number]]:
        yield Mistake((*path, "name"), f"'{topic.name}' is taken; name it otherwise")
    left_open = sorted({other.leaves_open for other in script.topics if other.leaves_open})
    if topic.after and topic.after not in left_open:
        known = ", ".join(left_open) or "none"
        message = f"nothing leaves '{topic.after}' open; open: {known}."
        yield Mistake((*path, "after"), message + guess(topic.after, left_open))
    for index, question in enumerate(topic.asks):
        for key, slot in (("slot", question.slot), ("if", question.if_slot)):
            if slot is not None and slot not in script.slots:
                message = _no_such("slot", slot, script.slots)
                yield Mistake((*path, "asks", index, key), message)
    known_slots = (*script.slots, *sorted(BUILT_IN_SLOTS))
    for place, text in _answers(number, topic):
        try:
            node = pattern.parse(text)
        except pattern.PatternError as error:
            yield Mistake(place, f"{error}; close it or take it out")
            continue
        for part in pattern.walk(node):
            if isinstance(part, pattern.Slot) and part.name not in known_slots:
                yield Mistake(place, _no_such("slot", part.name, known_slots))


def _answers(number: int, topic: Topic) -> Iterator[tuple[KeyPath, str]]:
    for index, text in enumerate(topic.say):
        yield ("topics", number, "say", index), text
    if topic.adds:
        yield ("topics", number, "adds"), topic.adds


def _empty_slots(script: Script, number: int, topic: Topic) -> Iterator[Mistake]:
    """Find slots that an answer needs and that may be empty when it is given."""
    heard = [pattern.always(node, script.rules) for node in script.heard[topic.name]]
    asked = {question.slot for question in topic.asks if question.if_slot is None}
    filled = frozenset.intersection(*heard) | asked | BUILT_IN_SLOTS
    for path, text in _answers(number, topic):
        try:
            needed = pattern.always(pattern.parse(text), script.rules)
        except pattern.PatternError:
            continue  # named already
        known = script.slots.keys() if path[-1] == "adds" else filled
        for name in sorted((needed & script.slots.keys()) - known):
            message = (
                f"'{{{name}}}' may be empty here; put it into [...], or ask for it under 'asks'"
            )
            yield Mistake(path, message)


def _pronunciations(script: Script) -> Iterator[Mistake]:
    for word, phones in script.pronunciations.items():
        unknown = [phone for phone in phones.split() if phone not in PHONES.split()]
        if unknown or not phones.strip():
            yield Mistake(
                ("pronunciations", word),
                f"'{' '.join(unknown)}' is no phone; write some of {PHONES}",
            )


def _examples(script: Script) -> Iterator[Mistake]:
    nodes = [script.polite(node) for nodes in script.heard.values() for node in nodes]
    for index, text in enumerate(script.examples):
        words = pattern.words_of(text)
        if not any(pattern.match(node, words, script.rules) for node in nodes):
            message = f"no topic understands '{text}'; correct it or add a pattern"
            yield Mistake(("examples", index), message)
