"""Words of a schema that mean nothing: JSON Schema passes over them, so a slip would go unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bargein.tools.keywords import (
    BRANCHES,
    CONDITIONS,
    IN_PLACE,
    ITEMS,
    PRIVATE,
    SECRET,
    WITHIN,
    Json,
)
from bargein.tools.schema import Step, subschemas

MARKS = (PRIVATE, SECRET)
KNOWN = frozenset(
    {
        *(*BRANCHES, *CONDITIONS, *IN_PLACE, *ITEMS, *WITHIN, *MARKS),
        *("$id", "$schema", "$anchor", "$defs", "$comment", "title", "description", "default"),
        *("deprecated", "readOnly", "writeOnly", "examples", "format", "contentEncoding"),
        *("contentMediaType", "contentSchema", "type", "const", "enum", "multipleOf", "maximum"),
        *("exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern"),
        *("maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties"),
        *("minProperties", "required", "dependentRequired", "not", "propertyNames"),
        *("prefixItems",),
    }
)
"""The keywords of JSON Schema 2020-12, and ours."""


def unknown_words(schema: Mapping[str, Json]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the path of each word that is no keyword, and the word."""
    for at, part in subschemas(schema):
        for word in part:
            if word not in KNOWN:
                yield at, word


def bad_marks(schema: Mapping[str, Json]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the path of each mark that is none of ours or not true or false, and the mark."""
    for at, part in subschemas(schema):
        for word, value in part.items():
            if word.startswith("x-") and (word not in MARKS or not isinstance(value, bool)):
                yield at, word
