"""JSON Schema 2020-12 as tools use it; the validation itself is the `jsonschema` package's.

What is ours: objects are closed unless opened on purpose, nothing is ever fetched, violations
are told without values, and two marks say what is kept out of records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from bargein.tools.closing import closed, whole
from bargein.tools.keywords import (
    BRANCHES,
    CONDITIONS,
    ITEMS,
    PRIVATE,
    SECRET,
    WITHIN,
    Json,
    mapping,
)
from bargein.tools.patterns import with_python_patterns
from bargein.tools.redaction import Redaction
from bargein.tools.references import EndlessError, height
from bargein.tools.violations import Violation, violation

MAX_VIOLATIONS = 8
"""More of them help nobody to do better."""
Step = str | int
"""A key of an object, or an index of a list."""
_FORMATS = Draft202012Validator.FORMAT_CHECKER


class InvalidSchemaError(ValueError):
    """A schema that can't be used; the text says where in it and what to write."""

    def __init__(self, message: str, at: tuple[Step, ...] = ()) -> None:
        """Keep the path to what is wrong beside the text."""
        super().__init__(f"at /{'/'.join(map(str, at))}: {message}" if at else message)
        self.at = at
        self.reason = message


@dataclass(frozen=True)
class Schema:
    """A schema that was checked and closed; build it with `parse` or `of_arguments`."""

    json: Mapping[str, Json]
    """As it is held against values, and as an LLM is told of it."""

    @classmethod
    def parse(cls, written: Mapping[str, Json]) -> Schema:
        """Check a schema as it was written, and close its objects; raises InvalidSchemaError."""
        _check(written)
        return cls(closed(written))

    @classmethod
    def of_arguments(cls, written: Mapping[str, Json]) -> Schema:
        """Take a schema of an object, or its properties alone; raises InvalidSchemaError."""
        schema = whole(written)
        _check(schema)
        if schema.get("type") != "object":
            raise InvalidSchemaError(
                "arguments are an object: write `type: object` with `properties`, or the "
                "properties alone, each with its schema"
            )
        return cls(closed(schema))

    def violations(self, value: Json) -> tuple[Violation, ...]:
        """Say what is wrong with a value, the first few; empty if nothing is."""
        found: list[Violation] = []
        for error in self._validator.iter_errors(value):
            found.append(violation(error))
            if len(found) == MAX_VIOLATIONS:
                break
        # Keys that only a failed branch knows are no mistake of their own.
        own = [each for each in found if each.rule != "unevaluatedProperties"]
        return tuple(own or found)

    def kept(self, value: Json) -> Json:
        """Give what records may keep of a value: neither private, nor secret, nor undescribed."""
        return self._redacted(value, PRIVATE, SECRET, keep_unknown=False)

    def told(self, value: Json) -> Json:
        """Give what the LLM may be told of a value: all but what is secret."""
        return self._redacted(value, SECRET, keep_unknown=True)

    def _redacted(self, value: Json, *marks: str, keep_unknown: bool) -> Json:
        resolver = _resolver(self.json)

        def resolve(reference: str) -> Json:
            return resolver.lookup(reference).contents  # of a `$ref` that `_check` has seen

        return Redaction(marks, keep_unknown, resolve).apply(value, [self.json])

    @cached_property
    def _validator(self) -> Draft202012Validator:
        # The empty registry: what is not in the schema itself is never fetched.
        schema = with_python_patterns(self.json)
        return Draft202012Validator(schema, registry=Registry(), format_checker=_FORMATS)


def _resolver(root: Mapping[str, Json]) -> Any:
    return Registry().resolver_with_root(DRAFT202012.create_resource(root))


def _check(schema: Mapping[str, Json]) -> None:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidSchemaError(error.message, tuple(error.absolute_path)) from error
    for at, part in subschemas(schema):
        reference = part.get("$dynamicRef") or part.get("$ref")
        if reference and ("$dynamicRef" in part or not _stands_in(schema, reference)):
            message = (
                f"{reference!r} is not in this schema. A $ref begins with #/$defs/; "
                "nothing is fetched"
            )
            raise InvalidSchemaError(message, at)
    _check_ends(schema)


def _check_ends(schema: Mapping[str, Json]) -> None:
    """Refuse what would never come to an end, whatever the value."""
    resolver = _resolver(schema)

    def resolve(reference: str) -> Json:
        return resolver.lookup(reference).contents

    known: dict[int, int] = {}
    for at, part in subschemas(schema):
        try:
            height(part, resolve, known)
        except EndlessError:
            message = "it refers to itself without a step into the value, or by way of too many"
            raise InvalidSchemaError(message, at) from None


def _stands_in(root: Mapping[str, Json], reference: str) -> bool:
    try:
        _resolver(root).lookup(reference)
    except Unresolvable:
        return False
    return reference.startswith("#")


def subschemas(
    schema: Json, at: tuple[Step, ...] = ()
) -> Iterator[tuple[tuple[Step, ...], Mapping[str, Json]]]:
    """Give each schema within a schema with the path to it, itself first."""
    if not isinstance(schema, Mapping):
        return
    yield at, schema
    for key in (*WITHIN, "$defs", "dependentSchemas"):
        for name, each in mapping(schema, key).items():
            yield from subschemas(each, (*at, key, name))
    for key in (*ITEMS, *CONDITIONS, "not", "propertyNames"):
        yield from subschemas(schema.get(key), (*at, key))
    for key in (*BRANCHES, "prefixItems"):
        for index, each in enumerate(schema.get(key, ())):
            yield from subschemas(each, (*at, key, index))
