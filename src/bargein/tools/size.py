"""How large and how deep a value is, found without recursion: it comes from an LLM or a tool."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from bargein.tools.keywords import Json

MAX_INT_BITS = 1_023
"""A larger whole number is no float, and rules like `multipleOf` compare floats."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a value may be."""

    bytes: int = 16_384
    """As JSON in UTF-8."""
    depth: int = 12
    """Of objects and lists in each other."""
    values: int = 2_000


def too_large(value: Json, bounds: Bounds) -> str:
    """Say in which way a value is too large, or is no JSON; empty if it is neither."""
    waiting: list[tuple[Json, int]] = [(value, 0)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if depth > bounds.depth:
            return f"is nested deeper than {bounds.depth} levels"
        if seen > bounds.values:
            return f"holds more than {bounds.values:,} values"
        if isinstance(item, dict):
            if not all(isinstance(key, str) and _is_text(key) for key in item):
                return "has a key that is no text"
            waiting += [(each, depth + 1) for each in item.values()]
        elif isinstance(item, list):
            waiting += [(each, depth + 1) for each in item]
        elif isinstance(item, str) and not _is_text(item):
            return "holds half a surrogate pair, which is no text"
        elif isinstance(item, float) and not math.isfinite(item):
            return "holds a number that is not finite"
        elif item is not None and not isinstance(item, (str, int, float, bool)):
            return f"holds a {type(item).__name__}, which is no JSON"
        elif isinstance(item, int) and item.bit_length() > MAX_INT_BITS:
            return "holds a number beyond what a float can be"
    if len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) > bounds.bytes:
        return f"takes more than {bounds.bytes:,} bytes"
    return ""


def _is_text(text: str) -> bool:
    """Whether it can be sent: no service takes a context with half a surrogate pair in it."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
