"""What is wrong with a value, told without the value: it may be private."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import ValidationError

from bargein.tools.keywords import OPENED, mapping
from bargein.tools.patterns import as_written

MAX_KEYS = 8
MAX_KEY_CHARACTERS = 40
TAGS = ("const", "enum")
"""A branch with a key that fails by one of these is not the one that was meant."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a value breaks."""

    at: str
    """JSON pointer; empty is the whole value."""
    rule: str
    """The schema's keyword."""
    message: str

    def as_json(self) -> dict[str, str]:
        """Give it as an LLM reads it."""
        return {"at": self.at or "/", "rule": self.rule, "message": self.message}


def violation(found: ValidationError) -> Violation:
    """Tell what the validator has found."""
    error = _deepest(found)
    rule = str(error.validator)
    return Violation(_pointer(error.absolute_path), rule, _message(rule, error))


def _deepest(error: ValidationError) -> ValidationError:
    """Give what is wrong in the branch that was meant; `anyOf` alone helps nobody."""
    while error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for each in error.context:
            branches.setdefault(each.schema_path[0], []).append(each)
        meant = [each for each in branches.values() if not _is_another_kind(each, error)]
        if len(meant) != 1:
            return error
        error = meant[0][0]
    return error


def _is_another_kind(found: list[ValidationError], above: ValidationError) -> bool:
    """Whether a branch describes another kind of value, as its type or a telling key says."""
    depth = len(above.absolute_path)
    return any(
        (each.validator in TAGS and len(each.absolute_path) <= depth + 1)
        or (each.validator == "type" and len(each.absolute_path) == depth)
        for each in found
    )


def _message(rule: str, error: ValidationError) -> str:
    """Say what would be right."""
    wanted: Any = error.validator_value
    schema: Any = error.schema
    value: Any = error.instance
    if rule == "required":
        return f"lacks {_listed([key for key in wanted if key not in value])}"
    if rule in OPENED:
        known = list(mapping(schema, "properties"))
        extra = [key for key in value if key not in known]
        takes = f"; it takes {_listed(known)}" if known else ""
        return f"has keys that it does not take: {_listed(extra)}{takes}"
    if rule == "type":
        return f"must be of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
    if rule == "enum":
        return f"must be one of {json.dumps(wanted, ensure_ascii=False)}"
    if rule in ("anyOf", "oneOf"):
        return "fits none of the allowed forms" if error.context else "fits several forms at once"
    if rule == "pattern":
        return f"breaks pattern: {json.dumps(as_written(wanted), ensure_ascii=False)}"
    if isinstance(wanted, (str, int, float, bool)):
        return f"breaks {rule}: {json.dumps(wanted, ensure_ascii=False)}"
    return f"breaks {rule}"


def _listed(keys: Sequence[str]) -> str:
    shown = [repr(key[:MAX_KEY_CHARACTERS]) for key in keys[:MAX_KEYS]]
    more = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _pointer(path: Iterable[Any]) -> str:
    steps = (str(step)[:MAX_KEY_CHARACTERS].replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)
