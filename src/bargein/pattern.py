"""The small language in which a script says what may be heard and what is answered.

| written | means |
|---|---|
| `two words` | these words, in this order |
| `[x]` | x or nothing |
| `(x \\| y)` | x or y; the first that fits counts |
| `(x)+` `(x)*` | x once or more, x any number of times |
| `{size}` | one of the values of the slot `size` |
| `<item>` | the phrase `item`, written elsewhere |
| `;` | what follows belongs to another item |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

TOKEN = re.compile(r"\s*(\{\w*\}|<\w*>|[\[\]()|]|(?<=\))[+*]|[^\s\[\](){}<>|]+|\S)")
HEARD_WORD = re.compile(r"[a-z][a-z']*\Z")
CLOSING: Mapping[str, str] = {"[": "]", "(": ")"}


class PatternError(ValueError):
    """A pattern that cannot be read; the text says what stands where."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word; in an answer, with its punctuation."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the values of a slot."""

    name: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern that has a name."""

    name: str


@dataclass(frozen=True, slots=True)
class NextItem:
    """The border between two items; it takes no word."""


@dataclass(frozen=True, slots=True)
class InOrder:
    """All parts, one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """The first option that fits."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part that may be left out (`least` 0) or said again (`again`)."""

    part: Node
    least: int
    again: bool


Node: TypeAlias = Word | Slot | Phrase | NextItem | InOrder | OneOf | Repeat
Item: TypeAlias = Mapping[str, str]
"""Slots of one item with their values."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the names in patterns stand for: phrases, and the values of slots."""

    phrases: Mapping[str, Node] = field(default_factory=dict)
    slots: Mapping[str, Mapping[str, Node]] = field(default_factory=dict)


def parse(text: str) -> Node:
    """Read a pattern; raises `PatternError` for an unclosed bracket or an empty name."""
    tokens = [found.group(1) for found in TOKEN.finditer(text.rstrip())]
    node, rest = _options(tokens, 0)
    if rest < len(tokens):
        raise PatternError(f"'{tokens[rest]}' has no counterpart in '{text.strip()}'")
    return node


def _options(tokens: Sequence[str], at: int) -> tuple[Node, int]:
    options: list[Node] = []
    while True:
        node, at = _in_order(tokens, at)
        options.append(node)
        if at == len(tokens) or tokens[at] != "|":
            return (options[0] if len(options) == 1 else OneOf(tuple(options))), at
        at += 1


def _in_order(tokens: Sequence[str], at: int) -> tuple[Node, int]:
    parts: list[Node] = []
    while at < len(tokens) and tokens[at] not in ("|", ")", "]"):
        node, at = _part(tokens, at)
        parts.append(node)
    return (parts[0] if len(parts) == 1 else InOrder(tuple(parts))), at


def _part(tokens: Sequence[str], at: int) -> tuple[Node, int]:
    token = tokens[at]
    if token in CLOSING:
        return _bracket(tokens, at)
    if token == ";":
        return NextItem(), at + 1
    if token[0] in "{<":
        name = token[1:-1]
        if not name:
            raise PatternError(f"'{token}' needs a name between its brackets")
        return (Slot(name) if token[0] == "{" else Phrase(name)), at + 1
    return Word(token), at + 1


def _bracket(tokens: Sequence[str], at: int) -> tuple[Node, int]:
    opening = tokens[at]
    node, end = _options(tokens, at + 1)
    if end == len(tokens) or tokens[end] != CLOSING[opening]:
        raise PatternError(f"'{opening}' is not closed by '{CLOSING[opening]}'")
    end += 1
    if opening == "[":
        return Repeat(node, 0, again=False), end
    if end < len(tokens) and tokens[end] in ("+", "*"):
        return Repeat(node, 1 if tokens[end] == "+" else 0, again=True), end + 1
    return node, end


def words_of(text: str) -> tuple[str, ...]:
    """Give the words of a transcript or typed line as patterns write them."""
    plain = re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'"))
    return tuple(word for word in (part.strip("'") for part in plain.split()) if word)


def match(node: Node, words: Sequence[str], rules: Rules) -> tuple[Item, ...] | None:
    """Give the slots of each item if the pattern takes exactly these words, else None."""
    return _ends(node, words, 0, ({},), rules).get(len(words))


Ends: TypeAlias = dict[int, tuple[Item, ...]]
"""Where a pattern may end, and the items until there; the first way to an end counts."""


def _ends(node: Node, words: Sequence[str], at: int, items: tuple[Item, ...], rules: Rules) -> Ends:
    match node:
        case Word(text):
            return {at + 1: items} if at < len(words) and words[at] == text else {}
        case NextItem():
            return {at: (*items, {})}
        case Phrase(name):
            return _ends(rules.phrases[name], words, at, items, rules)
        case Slot(name):
            return _slot_ends(name, words, at, items, rules)
        case InOrder(parts):
            ends: Ends = {at: items}
            for part in parts:
                ends = _step(part, words, ends, rules)
            return ends
        case OneOf(options):
            ends = {}
            for option in options:
                ends = _ends(option, words, at, items, rules) | ends
            return ends
        case Repeat(part, least, again):
            return _repeat_ends(part, least, again, words, {at: items}, rules)


def _slot_ends(
    name: str, words: Sequence[str], at: int, items: tuple[Item, ...], rules: Rules
) -> Ends:
    ends: Ends = {}
    for value, pattern in rules.slots[name].items():
        filled = (*items[:-1], {**items[-1], name: value})
        ends = _ends(pattern, words, at, filled, rules) | ends
    return ends


def _step(part: Node, words: Sequence[str], starts: Ends, rules: Rules) -> Ends:
    ends: Ends = {}
    for start, items in starts.items():
        ends = _ends(part, words, start, items, rules) | ends
    return ends


def _repeat_ends(
    part: Node, least: int, again: bool, words: Sequence[str], starts: Ends, rules: Rules
) -> Ends:
    reached = _step(part, words, starts, rules)
    ends = reached if least else reached | starts
    while again and reached:
        further = _step(part, words, reached, rules)
        reached = {end: items for end, items in further.items() if end not in ends}
        ends = ends | reached
    return ends


def fill(node: Node, values: Item) -> str | None:
    """Write an answer with its slots filled, or None if a slot that it needs is empty.

    `[...]` is left out, and `(... | ...)` goes on to its next option, where a slot is empty.
    """
    written = _written(node, values)
    return None if written is None else re.sub(r" +([.,!?:])", r"\1", " ".join(written))


def _written(node: Node, values: Item) -> list[str] | None:
    match node:
        case Word(text):
            return [text]
        case Slot(name):
            return [values[name]] if values.get(name) else None
        case InOrder(parts):
            written = [_written(part, values) for part in parts]
            if any(part is None for part in written):
                return None
            return [text for part in written if part for text in part]
        case OneOf(options):
            filled = (_written(option, values) for option in options)
            return next((option for option in filled if option is not None), None)
        case Repeat(part):
            return _written(part, values) or []
        case Phrase() | NextItem():
            return []


def always(node: Node, rules: Rules) -> frozenset[str]:
    """Give the slots that are filled whichever way the pattern is said."""
    match node:
        case Slot(name):
            return frozenset({name})
        case Phrase(name):
            return always(rules.phrases[name], rules)
        case InOrder(parts):
            return frozenset().union(*(always(part, rules) for part in parts))
        case OneOf(options):
            return frozenset.intersection(*(always(option, rules) for option in options))
        case Repeat(part, least):
            return always(part, rules) if least else frozenset()
        case Word() | NextItem():
            return frozenset()


def walk(node: Node) -> Iterator[Node]:
    """Give the node and all below it; what a phrase or slot stands for is not looked up."""
    yield node
    match node:
        case InOrder(parts):
            below: tuple[Node, ...] = parts
        case OneOf(options):
            below = options
        case Repeat(part):
            below = (part,)
        case _:
            below = ()
    for child in below:
        yield from walk(child)


def takes_nothing(node: Node, rules: Rules) -> bool:
    """Say whether silence would match, which would make a pattern fit anything."""
    return match(node, (), rules) is not None
