"""Prints the ledger's JSON Schema from its models."""

from __future__ import annotations

from typing import Any

from bargein.ledger.entries import Line

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def ledger_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) that every line of a ledger matches."""
    schema = Line.adapter.json_schema(mode="serialization")
    return {"$schema": DIALECT, "title": "A line of a bargein ledger", **schema}
