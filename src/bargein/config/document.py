"""YAML 1.2 text becomes a located tree; whatever makes a file hard to reason about is refused.

Anchors, aliases, merge keys and tags are refused because a value would then have two places;
`extends:` does the sharing instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from bargein.config.problems import Problem
from bargein.config.syntax import syntax_problem
from bargein.config.tree import Entry, Items, Node, Scalar, Table, plain_value
from bargein.errors import Place

CONFIGURATION = "name, transport, pipeline"
"""The keys that every configuration has."""
DEEPEST = 40
"""Levels of nesting that are read; a configuration needs six."""


def decode(content: bytes, file: str, found: list[Problem]) -> str | None:
    """Read bytes as UTF-8; None, with the place of the first byte that is none in `found`."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = "this is not UTF-8. Save the file as UTF-8."
        found.append(Problem(Place(file, line, column), message))
        return None


def parse(
    text: str, file: str, folder: str, found: list[Problem], *, keys: str = CONFIGURATION
) -> Node | None:
    """Read one YAML document; None when it is empty or broken, with the reasons in `found`.

    `file` is the name that places show, `folder` where relative paths in it start, and `keys`
    are what to write into a file that is empty.
    """
    try:
        events = _shallow(YAML(typ="safe", pure=True).parse(text), file, found)
    except MarkedYAMLError as error:
        found.append(syntax_problem(error, text, file))
        return None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        found.append(Problem(Place(file), f"this is not YAML: {reason}."))
        return None
    if events is None:
        return None
    documents = [event for event in events if isinstance(event, DocumentStartEvent)]
    if not documents:
        found.append(Problem(Place(file, 1, 1), f"the file is empty. Write {keys}."))
        return None
    if len(documents) > 1:
        place = _place(documents[1], file)
        found.append(Problem(place, "a second document begins here. Keep one document in a file."))
        return None
    node = _Composer(events, file, folder, found).document()
    if isinstance(node, Scalar) and node.value is None:
        found.append(Problem(Place(file, 1, 1), f"the file is empty. Write {keys}."))
        return None
    return node


def parse_table(
    text: str, file: str, folder: str, found: list[Problem], *, keys: str = CONFIGURATION
) -> Table | None:
    """Read a document that must be a mapping of keys to values."""
    node = parse(text, file, folder, found, keys=keys)
    if node is None or isinstance(node, Table):
        return node
    kind = "a list" if isinstance(node, Items) else "a single value"
    found.append(Problem(node.place, f"the file is {kind}. Write {keys}."))
    return None


def _shallow(events: Iterable[Any], file: str, found: list[Problem]) -> list[Any] | None:
    """List the events; None when they nest so deep that only a mistake explains it."""
    listed: list[Any] = []
    depth = 0
    for event in events:
        listed.append(event)
        depth += isinstance(event, (MappingStartEvent, SequenceStartEvent))
        depth -= isinstance(event, (MappingEndEvent, SequenceEndEvent))
        if depth > DEEPEST:
            message = f"this nests deeper than {DEEPEST} levels. Flatten it."
            found.append(Problem(_place(event, file), message))
            return None
    return listed


def _place(event: Any, file: str) -> Place:
    return Place(file, event.start_mark.line + 1, event.start_mark.column + 1)


class _Composer:
    """Turns the events of one document into nodes, and reports what is refused on the way."""

    def __init__(self, events: list[Any], file: str, folder: str, found: list[Problem]) -> None:
        start = next(i for i, event in enumerate(events) if isinstance(event, DocumentStartEvent))
        self._events = iter(events[start + 1 :])
        self._file = file
        self._folder = folder
        self._found = found

    def document(self) -> Node:
        return self._node(next(self._events), None)

    def _report(self, place: Place, message: str) -> None:
        self._found.append(Problem(place, message))

    def _node(self, event: Any, key_place: Place | None) -> Node:
        place = _place(event, self._file)
        if isinstance(event, AliasEvent) or event.anchor:
            mark = "*" if isinstance(event, AliasEvent) else "&"
            self._report(
                place,
                f"'{mark}{event.anchor}': anchors and aliases are not read here. "
                "Write the value out, or share it between files with `extends:`.",
            )
        elif event.tag is not None:
            self._report(place, f"the tag {event.tag!r} is not read here. Leave it out.")
        match event:
            case MappingStartEvent():
                return self._table(place)
            case SequenceStartEvent():
                return self._items(place)
            case ScalarEvent():
                return self._scalar(event, key_place, place)
            case _:
                return Scalar(None, "", place, self._folder)

    def _scalar(self, event: Any, key_place: Place | None, place: Place) -> Scalar:
        is_unquoted = event.style in (None, "")
        if is_unquoted and not event.value and key_place:
            place = key_place  # an empty value is marked where the next thing begins
        if any("\ud800" <= letter <= "\udfff" for letter in event.value):
            self._report(place, "half of a surrogate pair is no letter. Write the letter itself.")
        value = plain_value(event.value) if is_unquoted else event.value
        return Scalar(value, event.value, place, self._folder)

    def _items(self, place: Place) -> Items:
        nodes: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            nodes.append(self._node(event, None))
        return Items(tuple(nodes), place)

    def _table(self, place: Place) -> Table:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key_place = _place(event, self._file)
            key = self._key(self._node(event, None), key_place)
            node = self._node(next(self._events), key_place)
            if key is None:
                continue
            if key in entries:
                first = f"line {entries[key].place.line}"
                self._report(key_place, f"{key!r} stands here twice, first in {first}. Keep one.")
                continue
            entries[key] = Entry(key, key_place, node)
        return Table(entries, place)

    def _key(self, node: Node, place: Place) -> str | None:
        if not isinstance(node, Scalar):
            self._report(place, "a key must be a word, not a list or a mapping.")
            return None
        if node.text == "<<":
            self._report(place, "merge keys (<<) are not read here. Share values with `extends:`.")
            return None
        return node.text
