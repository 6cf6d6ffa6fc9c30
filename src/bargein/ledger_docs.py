"""Prints the ledger's JSON Schema, and a page of its fields, from its models."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from bargein.arbiter import Arbiter
from bargein.ledger.entries import Line

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LINES = {"BargeIn": "barge_in", "Turn": "turn", "SessionEnd": "session"}


def ledger_schema() -> Schema:
    """Give the JSON Schema (2020-12) that every line of a ledger matches."""
    schema = Line.adapter.json_schema(mode="serialization")
    return {"$schema": DIALECT, "title": "A line of a bargein ledger", **schema}


def ledger_markdown() -> str:
    """Give `docs/ledger_fields.md`."""
    definitions: Schema = ledger_schema()["$defs"]
    rest = [name for name in definitions if name not in LINES]
    return "\n".join(
        [
            "# The fields of the ledger, version 1",
            "",
            "<!-- Printed from src/bargein/ledger/entries.py by `bargein docs docs`. -->",
            "",
            "What they are for, with examples: [ledger.md](ledger.md). The same as JSON Schema:",
            "[ledger.schema.json](ledger.schema.json).",
            "",
            *(
                line
                for name in LINES
                for line in _section(f"A line of kind `{LINES[name]}`", definitions[name])
            ),
            *(line for name in rest for line in _section(f"`{name}`", definitions[name])),
            "## What the arbiter is told",
            "",
            "The `input` of each of `inputs` is one of these; their `facts` are named as here.",
            "",
            "| input | facts | meaning |",
            "|---|---|---|",
            *_inputs(),
            "",
        ]
    )


def _section(title: str, definition: Schema) -> Iterator[str]:
    yield from (f"## {title}", "", definition.get("description", ""), "")
    if "enum" in definition:
        values = ", ".join(f"`{value}`" for value in definition["enum"])
        yield from (f"One of {values}.", "")
        return
    yield from ("| field | type | meaning |", "|---|---|---|")
    for name, field in definition["properties"].items():
        yield f"| `{name}` | {_type(field)} | {field.get('description', '')} |"
    yield ""


def _type(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']!r}`"
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array" and "items" in field:
        return f"list of {_type(field['items'])}"
    return str(field.get("type", "anything"))


def _inputs() -> Iterator[str]:
    for name, method in inspect.getmembers(Arbiter, inspect.isfunction):
        if name.startswith("_") or not hasattr(method, "__wrapped__"):
            continue
        facts = [fact for fact in inspect.signature(method).parameters if fact not in NOT_FACTS]
        meaning = (inspect.getdoc(method) or "").partition("\n")[0]
        yield f"| `{name}` | {', '.join(f'`{fact}`' for fact in facts)} | {meaning} |"


NOT_FACTS = ("self", "now_ms")
"""The time is the input's `at_ms`."""
