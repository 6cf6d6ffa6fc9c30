"""Schemas that are written in YAML: each mistake at its own line, slips of the pen included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bargein.config.problems import Problem, guess
from bargein.config.tree import Table
from bargein.config.validate import place_at
from bargein.tools.closing import whole
from bargein.tools.schema import InvalidSchemaError, Schema, Step
from bargein.tools.spelling import KNOWN, MARKS, bad_marks, unknown_words

KEYWORDS_WANTED = "A property stands under `properties`"


def read_schema(
    written: Mapping[str, Any],
    table: Table,
    key: str,
    name: str,
    found: list[Problem],
    *,
    is_strict: bool = True,
) -> Schema | None:
    """Read the schema under a key of a tool; None with the reason in `found`.

    Where it is not strict, words that are no keywords are passed over, as JSON Schema has it.
    """
    try:
        of = Schema.of_arguments if key == "arguments" else Schema.parse
        schema = of(written)
    except InvalidSchemaError as error:
        place = place_at(table, _written(error.at, written, key))
        found.append(Problem(place, f"{name}.{key}: {_path(error.at)}{error.reason}."))
        return None
    bare = whole(written) if key == "arguments" else written
    wrong = list(bad_marks(bare))
    if is_strict:
        wrong += [(at, word) for at, word in unknown_words(bare) if (at, word) not in wrong]
    for at, word in wrong:
        place = place_at(table, _written((*at, word), written, key))
        found.append(Problem(place, f"{name}.{key}: {_path(at)}{_about(word)}"))
    return None if wrong else schema


def _about(word: str) -> str:
    if word in MARKS:
        return f"{word} is true or false."
    if word.startswith("x-"):
        return f"there is no mark {word!r}.{guess(word, MARKS)} Marks: {', '.join(MARKS)}."
    return f"there is no keyword {word!r} in JSON Schema.{guess(word, KNOWN)}"


def _written(at: tuple[Step, ...], schema: Mapping[str, Any], key: str) -> tuple[Step, ...]:
    """Find the path as it stands in the file, where properties alone may stand for the whole."""
    is_short = key == "arguments" and "properties" not in schema
    return (key, *(at[1:] if is_short and at[:1] == ("properties",) else at))


def _path(at: tuple[Step, ...]) -> str:
    return f"at {'.'.join(map(str, at))}: " if at else ""
