"""Schemas as an LLM is told of them: definitions in place, marks left out, size bounded."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.tools.schema import Schema
from bargein.tools.telling import MOST_VALUES, told_schema

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**OBJECT, "additionalProperties": False}


def told(property_: dict[str, Any], **definitions: Any) -> Any:
    schema = {"type": "object", "properties": {"x": property_}, "$defs": definitions}
    return told_schema(Schema.parse(schema).json)["properties"]["x"]


@pytest.mark.parametrize(
    ("property_", "expected"),
    [
        ({"$ref": "#/$defs/D"}, CLOSED),
        ({"$ref": "#/$defs/D", "description": "d"}, {**CLOSED, "description": "d"}),
        ({"type": "array", "items": {"$ref": "#/$defs/D"}}, {"type": "array", "items": CLOSED}),
        ({"$ref": "#/$defs/E"}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "x-private": True, "x-secret": True}, {"type": "string"}),
    ],
)
def test_what_is_referred_to_stands_in_its_place(
    property_: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert told(property_, D=OBJECT, E={"type": "string", "enum": ["a"]}) == expected


def test_a_schema_that_would_grow_without_end_is_told_as_it_is() -> None:
    """Each definition refers to the next one ten times: 10**9 values in place."""
    definitions: dict[str, Any] = {
        f"D{level}": {
            "type": "object",
            "properties": {str(n): {"$ref": f"#/$defs/D{level + 1}"} for n in range(10)},
        }
        for level in range(9)
    }
    definitions["D9"] = {"type": "string"}
    found = told({"$ref": "#/$defs/D0"}, **definitions)
    assert found["$ref"] == "#/$defs/D0"
    assert MOST_VALUES < 10**9
