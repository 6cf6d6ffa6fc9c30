"""A YAML document as a tree in which every key and every value knows its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bargein.errors import Place

Plain: TypeAlias = bool | int | float | str | None
Data: TypeAlias = "Plain | list[Data] | dict[str, Data]"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value; `text` is how it was written, `value` what YAML makes of it."""

    value: Plain = field(repr=False)
    text: str = field(repr=False)
    place: Place
    folder: str = ""
    """The folder that a relative path in it starts from; empty is the working directory."""
    variables: tuple[str, ...] = ()
    """The environment variables that its text was made from; such text is never shown."""
    is_loose: bool = False
    """Whether a field that wants text takes `text`: a whole `${VAR}`, or a `--set`."""
    is_default: bool = False
    """Whether one of its variables is not set, and the default that the file gives stands in."""
    is_broken: bool = False
    """Whether its variables were already reported; nothing more is said about it."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a table."""

    key: str
    place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping whose keys are strings, in the order in which they were written."""

    entries: Mapping[str, Entry]
    place: Place

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None when there is no such key."""
        entry = self.entries.get(key)
        return entry.node if entry else None

    def without(self, *keys: str) -> Table:
        """Return the same table, less some keys."""
        kept = {key: entry for key, entry in self.entries.items() if key not in keys}
        return Table(kept, self.place)


Node: TypeAlias = Scalar | Items | Table


def to_data(node: Node) -> Data:
    """Drop the places: lists, dicts and plain values are left."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [to_data(item) for item in node.nodes]
        case Table():
            return {key: to_data(entry.node) for key, entry in node.entries.items()}


def to_node(data: object, place: Place, folder: str = "") -> Node:
    """Give data that stands in no file as a tree whose every part is at one place."""
    if isinstance(data, Mapping):
        entries = {
            str(key): Entry(str(key), place, to_node(data[key], place, folder)) for key in data
        }
        return Table(entries, place)
    if isinstance(data, (list, tuple)):
        return Items(tuple(to_node(item, place, folder) for item in data), place)
    plain = data if isinstance(data, bool | int | float | str) else None
    return Scalar(plain, str(data), place, folder)


def scalars(node: Node) -> Iterator[Scalar]:
    """Go through every single value under a node, in order."""
    match node:
        case Scalar():
            yield node
        case Items():
            for item in node.nodes:
                yield from scalars(item)
        case Table():
            for entry in node.entries.values():
                yield from scalars(entry.node)


_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
# Python refuses to read integers of more than 4,300 digits; nobody means one of 400.
_INT = re.compile(r"[-+]?[0-9]{1,400}")
_OCTAL = re.compile(r"0o[0-7]{1,400}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


def plain_value(text: str) -> Plain:
    """Read an unquoted scalar by the core schema of YAML 1.2, in which `no` is a word."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if _NAN.fullmatch(text) else text
