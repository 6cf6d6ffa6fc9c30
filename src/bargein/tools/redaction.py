"""What of a value may be kept: what its schema marks is masked, and what it does not describe."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bargein.tools.keywords import BRANCHES, CONDITIONS, MASK, OPENED, Json, mapping
from bargein.tools.patterns import for_python

Described = Sequence[Mapping[str, Json]]
"""All schemas that describe one value."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """How the values of one schema are redacted."""

    marks: tuple[str, ...]
    keep_unknown: bool
    """Whether a value stays that no schema describes."""
    resolve: Callable[[str], Json]
    """Gives what a `$ref` stands for."""

    def apply(self, value: Json, schemas: Sequence[Json]) -> Json:
        """Give a copy of a value in which what may not be kept is masked."""
        described = self._flat(schemas)
        if any(each.get(mark) for each in described for mark in self.marks):
            return MASK
        if not described and not self.keep_unknown:
            return MASK
        if isinstance(value, dict):
            return {key: self.apply(item, _of_key(key, described)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, _of_item(at, described)) for at, item in enumerate(value)]
        return value

    def _flat(self, schemas: Sequence[Json]) -> Described:
        """Add the branches and references, which describe the same value."""
        found: list[Mapping[str, Json]] = []
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, Mapping) or any(schema is each for each in found):
                continue
            found.append(schema)
            if "$ref" in schema:
                waiting.append(self.resolve(schema["$ref"]))
            for key in BRANCHES:
                waiting += schema.get(key, ())
            waiting += [schema.get(key) for key in CONDITIONS]
            waiting += mapping(schema, "dependentSchemas").values()
        return found


def _of_key(key: str, described: Described) -> list[Json]:
    named = [each["properties"][key] for each in described if key in mapping(each, "properties")]
    named += [
        item
        for each in described
        for pattern, item in mapping(each, "patternProperties").items()
        if re.search(for_python(pattern), key)
    ]
    if named:
        return named
    opened = [each[word] for each in described for word in OPENED if each.get(word)]
    return [{} if each is True else each for each in opened]


def _of_item(at: int, described: Described) -> list[Json]:
    found: list[Json] = []
    for each in described:
        first = each.get("prefixItems", ())
        if at < len(first):
            found.append(first[at])
        else:
            found += [each[word] for word in ("items", "contains") if word in each]
    return found
