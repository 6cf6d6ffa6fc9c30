"""pydantic's errors in plain words: what a value must be, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bargein.config.model import LANGUAGE_PATTERN
from bargein.config.tree import Node, Scalar, plain_value

_WANTED = {
    "string_type": "text",
    "path_type": "a path",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "null",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "multiple_of": ("a multiple of", "multiple_of"),
}
_LENGTHS = {
    "string_too_short": ("at least {} characters long", "min_length"),
    "string_too_long": ("at most {} characters long", "max_length"),
    "too_short": ("a list of at least {}", "min_length"),
    "too_long": ("a list of at most {}", "max_length"),
}
_FORMS = {LANGUAGE_PATTERN: "the code of a language, like 'en' or 'de-AT'"}
_NEEDS_PYTHON = frozenset({"needs_python_object", "is_instance_of", "callable_type"})
_TEXT_WANTED = _NEEDS_PYTHON | {"string_type", "path_type", "literal_error", "enum"}


def is_text_wanted(kind: str) -> bool:
    """Say whether an error of this type may go away when the value is taken as text."""
    return kind in _TEXT_WANTED


def expectation(details: Sequence[Any]) -> str:
    """Say what a value must be; several errors at one value are the members of a union."""
    plain = [detail for detail in details if detail["type"] not in _NEEDS_PYTHON]
    return " or ".join(dict.fromkeys(_one(detail) for detail in plain or details))


def _one(detail: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        return _WANTED[kind]
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{words} {context[key]}"
    if kind in _LENGTHS:
        words, key = _LENGTHS[kind]
        return "a value that is not empty" if context[key] == 1 else words.format(context[key])
    if kind in ("literal_error", "enum"):
        return f"one of {context['expected'].replace(' or ', ', ')}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        return _FORMS.get(pattern, f"text of the form {pattern}")
    if kind in _NEEDS_PYTHON:
        return "a Python object, which YAML cannot write"
    # A message of a class's own validator may quote the value, so only its type is told.
    return f"valid ({kind.replace('_', ' ')})"


def hint(details: Sequence[Any], node: Node) -> str:
    """Say what to write instead, where that is clear."""
    kinds = {detail["type"] for detail in details}
    if kinds and kinds <= _NEEDS_PYTHON:
        return " Leave the key out, or make the object in a class of your own and name that class."
    if not isinstance(node, Scalar):
        return ""
    if node.value is None:
        return " Write a value, or leave the key out if it has a default."
    if kinds & {"list_type", "tuple_type", "set_type"} and not node.variables:
        return " Put brackets around it."
    if isinstance(node.value, str) and not node.variables:
        typed = plain_value(node.value)
        if kinds & {"int_type", "float_type"} and isinstance(typed, (int, float)):
            return " Write it without quotes."
        if "bool_type" in kinds:
            return " YAML 1.2 knows only true and false."
    if "string_type" in kinds:
        return " Put quotes around it."
    return ""
