"""Patterns as JSON Schema means them (ECMA-262), for Python's `re`, which reads some otherwise.

There `$` is the end and nothing else; Python's also stands before a last line break. There `\\d`
and `\\w` are ASCII; Python's take digits and letters of every script. A value that slips through
such a difference was never allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bargein.tools.keywords import Json

_OPENS, _CLOSES, _END = "(?a:", ")", r"\Z"
_PIECES = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
"""An escape, a class of characters, or the end: only the last is another one here."""
_NAMED = ("properties", "$defs", "dependentSchemas")
"""Keywords whose keys are names, not keywords."""
_PLAIN = ("enum", "const", "default", "examples")
"""Keywords whose values are no schemas."""


def for_python(pattern: str) -> str:
    """Give the pattern that `re` reads as JSON Schema reads this one."""
    body = _PIECES.sub(lambda found: _END if found[0] == "$" else found[0], pattern)
    return f"{_OPENS}{body}{_CLOSES}"


def as_written(pattern: str) -> str:
    """Give the pattern that `for_python` was given."""
    body = pattern.removeprefix(_OPENS).removesuffix(_CLOSES)
    return _PIECES.sub(lambda found: "$" if found[0] == _END else found[0], body)


def with_python_patterns(schema: Json) -> Any:
    """Give a copy of a schema in which every pattern is one for Python."""
    if isinstance(schema, list):
        return [with_python_patterns(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: _value(key, value) for key, value in schema.items()}


def _value(key: str, value: Json) -> Any:
    if key in _PLAIN:
        return value
    if key == "pattern" and isinstance(value, str):
        return for_python(value)
    if key == "patternProperties" and isinstance(value, Mapping):
        return {for_python(each): with_python_patterns(item) for each, item in value.items()}
    if key in _NAMED and isinstance(value, Mapping):
        return {name: with_python_patterns(item) for name, item in value.items()}
    return with_python_patterns(value)
