"""`${VAR}` in a configuration's text is replaced by what the environment says.

`${VAR}` must be set; `${VAR:-default}` takes the default when it is unset or empty;
`${VAR:?message}` fails with the message; `$${` is a plain `${`. A default is plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bargein.config.problems import Problem, guess
from bargein.config.tree import Entry, Items, Node, Scalar, Table, plain_value

_TOKEN = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|(?P<broken>\$\{)")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:-|:\?)(?P<word>.*))?", re.DOTALL)


def substitute(node: Node, environ: Mapping[str, str], found: list[Problem]) -> Node:
    """Replace the variables in every value under a node; keys stay as they are."""
    match node:
        case Scalar():
            return _substitute_in_scalar(node, environ, found)
        case Items():
            nodes = tuple(substitute(item, environ, found) for item in node.nodes)
            return Items(nodes, node.place)
        case Table():
            entries = {
                key: Entry(key, entry.place, substitute(entry.node, environ, found))
                for key, entry in node.entries.items()
            }
            return Table(entries, node.place)


def _substitute_in_scalar(
    scalar: Scalar, environ: Mapping[str, str], found: list[Problem]
) -> Scalar:
    """Put the variables into one value; a value that is one variable is typed like YAML."""
    if not isinstance(scalar.value, str) or "${" not in scalar.value:
        return scalar
    names: list[str] = []
    defaults: list[str] = []
    before = len(found)

    def value_of(token: re.Match[str]) -> str:
        if token["broken"] is not None:
            problem = (
                "'${' is not closed, or has braces inside. "
                "Write ${VAR}, ${VAR:-default} or ${VAR:?message}; $${ for a plain ${."
            )
            found.append(Problem(scalar.place, problem))
            return ""
        if token["inside"] is None:
            return "${"
        value, reason = _look_up(token["inside"], environ, names, defaults)
        if reason:
            found.append(Problem(scalar.place, reason))
        return value

    text = _TOKEN.sub(value_of, scalar.value)
    only = _TOKEN.fullmatch(scalar.value)
    is_whole = only is not None and only["inside"] is not None
    value = plain_value(text) if is_whole else text
    return replace(
        scalar,
        value=value,
        text=text,
        variables=tuple(names),
        is_loose=is_whole,
        is_default=any(defaults),
        is_broken=len(found) > before,
    )


def _look_up(
    inside: str, environ: Mapping[str, str], names: list[str], defaults: list[str]
) -> tuple[str, str]:
    """Return the value of what stands between the braces, and why there is none.

    `names` and `defaults` gather the variables that were asked for, and what stood in for one.
    """
    parts = _INSIDE.fullmatch(inside)
    if parts is None:
        return "", (
            f"${{{inside}}} is no variable. Write ${{VAR}}, ${{VAR:-default}} or ${{VAR:?message}}."
        )
    name, how, word = parts["name"], parts["how"], parts["word"] or ""
    names.append(name)
    value = environ.get(name)
    if how is None:
        if value is not None:
            return value, ""
        near = guess(name, environ)
        way_out = f"Set it, or give a default: ${{{name}:-default}}."
        return "", f"the variable {name} is not set.{near} {way_out}"
    if value:
        return value, ""
    if how == ":-":
        defaults.append(word)
        return word, ""
    return "", f"the variable {name} is not set: {word or 'it is required'}."
