"""References that lead on without a step into the value: too many of them never come to an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bargein.tools.keywords import BRANCHES, CONDITIONS, Json, mapping

MOST_IN_PLACE = 40
"""Schemas that describe one and the same value, each by way of the one before."""

Resolve = Callable[[str], Json]
"""Gives what a `$ref` stands for."""


class EndlessError(ValueError):
    """A schema refers to itself for the same value, or through too many others."""


def height(schema: Json, resolve: Resolve, known: dict[int, int] | None = None) -> int:
    """Count the schemas that describe the same value in a row; raises EndlessError."""
    return _height(schema, resolve, {} if known is None else known, 0)


def _height(schema: Json, resolve: Resolve, known: dict[int, int], level: int) -> int:
    if not isinstance(schema, Mapping):
        return 0
    if level + known.get(id(schema), 0) > MOST_IN_PLACE:
        raise EndlessError
    if id(schema) not in known:
        below = (_height(each, resolve, known, level + 1) for each in _in_place(schema, resolve))
        known[id(schema)] = 1 + max(below, default=0)
    return known[id(schema)]


def _in_place(schema: Mapping[str, Json], resolve: Resolve) -> Iterator[Json]:
    """Give what describes the same value, too."""
    if isinstance(reference := schema.get("$ref"), str):
        yield resolve(reference)
    for key in BRANCHES:
        yield from schema.get(key, ())
    for key in (*CONDITIONS, "not"):
        yield schema.get(key)
    yield from mapping(schema, "dependentSchemas").values()
