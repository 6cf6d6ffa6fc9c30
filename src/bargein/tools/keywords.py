"""The keywords of JSON Schema 2020-12, by what they describe, and the two marks that are ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Any
"""What `json.loads` gives."""

PRIVATE = "x-private"
"""Kept out of audit, ledger and log."""
SECRET = "x-secret"
"""That, and in a result kept from the LLM."""
MASK = "***"

OPENED = ("additionalProperties", "unevaluatedProperties")
BRANCHES = ("allOf", "anyOf", "oneOf")
CONDITIONS = ("if", "then", "else")
IN_PLACE = (*BRANCHES, *CONDITIONS, "dependentSchemas", "$ref")
"""They describe the same value again: what they allow is known to `unevaluated...` alone."""
WITHIN = ("properties", "patternProperties")
ITEMS = ("items", "contains", *OPENED, "unevaluatedItems")


def mapping(schema: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    """Give what stands under a key, if it is a mapping; else an empty one."""
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}
