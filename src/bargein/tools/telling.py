"""A schema as an LLM is told of it: without our marks, and with what it refers to in place.

Some of Pipecat's adapters pass on `properties` and `required` alone: a `$ref` would lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bargein.tools.keywords import IN_PLACE, Json, mapping
from bargein.tools.spelling import MARKS

MOST_VALUES = 4_000
"""A schema that grows beyond this by what it refers to is told as it is."""
_REFERENCE = "$ref"
_BESIDE = "#/$defs/"


class _TooMuchError(Exception):
    """It refers to itself, or to so much that the LLM is not told it so."""


def told_schema(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Give the schema to tell; `$defs` stay where a definition refers to itself."""
    told = in_place(schema)
    unmarked: dict[str, Json] = _unmarked(schema if told is None else told)
    return unmarked


def in_place(schema: Mapping[str, Json]) -> dict[str, Json] | None:
    """Put definitions in the place of what refers to them; None where that has no end."""
    try:
        put: dict[str, Json] = _Inlining(mapping(schema, "$defs")).of(schema, ())
    except _TooMuchError:
        return None
    return put


class _Inlining:
    """Puts definitions in the place of what refers to them."""

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self._definitions = definitions
        self._values = 0

    def of(self, value: Json, within: tuple[str, ...]) -> Json:
        self._values += 1
        if self._values > MOST_VALUES:
            raise _TooMuchError
        if isinstance(value, list):
            return [self.of(each, within) for each in value]
        if not isinstance(value, Mapping):
            return value
        reference = value.get(_REFERENCE)
        if isinstance(reference, str):
            return self._in_place(value, reference, within)
        return {key: self.of(each, within) for key, each in value.items() if key != "$defs"}

    def _in_place(self, value: Mapping[str, Json], reference: str, within: tuple[str, ...]) -> Json:
        definition = self._definitions.get(reference.removeprefix(_BESIDE))
        if not isinstance(definition, Mapping) or reference in within:
            raise _TooMuchError
        inside = self.of(definition, (*within, reference))
        beside = self.of({key: each for key, each in value.items() if key != _REFERENCE}, within)
        if beside.get("unevaluatedProperties") is False and not _is_combined(inside):
            # What closed the reference closes what now stands there.
            del beside["unevaluatedProperties"]
            if _may_have_properties(inside):
                inside.setdefault("additionalProperties", False)
        return {**inside, **beside}


def _is_combined(schema: Mapping[str, Json]) -> bool:
    return any(key in schema for key in IN_PLACE)


def _may_have_properties(schema: Mapping[str, Json]) -> bool:
    kind: str | list[str] = schema.get("type", "object")
    return "object" in kind


def _unmarked(value: Json) -> Any:
    if isinstance(value, list):
        return [_unmarked(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _unmarked(each) for key, each in value.items() if key not in MARKS}
    return value
