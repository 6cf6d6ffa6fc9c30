"""A located table is held against a pydantic model; each error lands at the key that caused it."""

from __future__ import annotations

import json
import math
import types
import typing
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bargein.config.expectation import expectation, hint, is_text_wanted
from bargein.config.masking import is_secret, without_credentials
from bargein.config.problems import Problem, did_you_mean, nearest
from bargein.config.tree import Entry, Items, Node, Scalar, Table, to_data
from bargein.errors import Place

Model = TypeVar("Model", bound=BaseModel)
Steps = tuple[str | int, ...]
NOT_FINITE = (".nan", ".inf", "-.inf")
"""As YAML writes them."""


def validate(
    model: type[Model],
    table: Table,
    name: str,
    place: Place,
    found: list[Problem],
    *,
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[Model | None, Table]:
    """Return the validated model, or None with the reasons in `found`, and the table as read.

    `name` is the table's path in the document; `place` is blamed for what is missing in it;
    `elsewhere` tells, of keys that do not belong into it, where they do. The table differs from
    the given one where a `${VAR}` or a `--set` was meant as text.
    """
    try:
        return _read(model, table), table
    except ValidationError as error:
        texts = {
            _walk(table, detail["loc"])[0]
            for detail in error.errors(include_url=False)
            if is_text_wanted(detail["type"])
        }
    loosened = _as_text(table, (), texts)
    assert isinstance(loosened, Table)
    try:
        return _read(model, loosened), loosened
    except ValidationError as error:
        _report(model, error, loosened, name, place, found, elsewhere or {})
        return None, loosened


def _read(model: type[Model], table: Table) -> Model:
    # YAML's data is JSON's: read as JSON, a strict model takes a list for a tuple and text for a
    # path, and still no text for a number.
    return model.model_validate_json(json.dumps(to_data(table)))


def place_at(table: Table, location: Steps) -> Place:
    """Find the deepest part of a location that is written."""
    return _walk(table, location)[2]


def _walk(table: Table, location: Steps) -> tuple[Steps, Node, Place]:
    """Follow pydantic's location as far as the tree goes; beyond stand names of union members."""
    node: Node = table
    place = table.place
    steps: list[str | int] = []
    for step in location:
        if isinstance(node, Table) and isinstance(step, str) and step in node.entries:
            place, node = node.entries[step].place, node.entries[step].node
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            node = node.nodes[step]
            place = node.place
        else:
            break
        steps.append(step)
    return tuple(steps), node, place


def _as_text(node: Node, path: Steps, texts: set[Steps]) -> Node:
    """Take loose values at these paths as the text that they were written in."""
    match node:
        case Scalar():
            return replace(node, value=node.text) if node.is_loose and path in texts else node
        case Items():
            nodes = (_as_text(item, (*path, i), texts) for i, item in enumerate(node.nodes))
            return Items(tuple(nodes), node.place)
        case Table():
            entries = {
                key: Entry(key, entry.place, _as_text(entry.node, (*path, key), texts))
                for key, entry in node.entries.items()
            }
            return Table(entries, node.place)


def _report(
    model: type[BaseModel],
    error: ValidationError,
    table: Table,
    name: str,
    place: Place,
    found: list[Problem],
    elsewhere: Mapping[str, str],
) -> None:
    """Turn pydantic's errors into problems, one for each value."""
    wrong: dict[Steps, list[Any]] = defaultdict(list)
    details = error.errors(include_url=False)
    meant = {
        (*location[:-1], nearest(str(location[-1]), _known(model, location[:-1])))
        for detail in details
        if detail["type"] == "extra_forbidden" and (location := detail["loc"])
    }
    for detail in details:
        location = detail["loc"]
        steps, node, key_place = _walk(table, location)
        if isinstance(node, Scalar) and node.is_broken:
            continue
        if detail["type"] == "missing" and location in meant:
            continue  # a misspelt key is one mistake, not two
        if detail["type"] == "too_short" and _length(node) >= detail["ctx"]["min_length"]:
            continue  # pydantic counts only the items that are right
        if detail["type"] == "missing":
            key = str(location[-1])
            where = key_place if steps else place
            about = _description(model, location)
            message = f"{path_prefix(name, steps)}{key!r} is missing. Add it.{about}"
            found.append(Problem(where, message))
        elif detail["type"] == "extra_forbidden":
            key = str(location[-1])
            way_out = elsewhere.get(key) if len(location) == 1 else None
            way_out = way_out or did_you_mean(key, _known(model, location[:-1]))
            message = f"there is no key {key!r} here.{way_out}"
            found.append(Problem(key_place, path_prefix(name, steps[:-1]) + message))
        else:
            wrong[steps].append(detail)
    for steps, at_value in wrong.items():
        _, node, key_place = _walk(table, steps)
        is_hidden = _is_secret_field(model, steps)
        shown = "this" if is_hidden else _shown(node, steps)
        wanted = "a finite number" if shown in NOT_FINITE else expectation(at_value)
        message = f"{path_prefix(name, steps)}must be {wanted}, not {shown}."
        found.append(Problem(key_place, message + hint(at_value, node)))


def _length(node: Node) -> int:
    match node:
        case Items():
            return len(node.nodes)
        case Table():
            return len(node.entries)
        case Scalar():
            return 0


def _shown(node: Node, steps: Steps) -> str:
    """Name a value in an error, unless it is or may be a secret."""
    if isinstance(node, Items):
        return "a list" if node.nodes else "an empty list"
    if isinstance(node, Table):
        return "a mapping"
    if node.variables:
        return f"what ${{{node.variables[0]}}} holds"
    if any(is_secret(step, node.value) for step in steps if isinstance(step, str)):
        return "this"
    if node.value is None or isinstance(node.value, bool):
        return {None: "null", True: "true", False: "false"}[node.value]
    if isinstance(node.value, float) and not math.isfinite(node.value):
        return ".nan" if math.isnan(node.value) else ".inf" if node.value > 0 else "-.inf"
    text = repr(without_credentials(node.value) if isinstance(node.value, str) else node.value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def path_prefix(name: str, steps: Steps) -> str:
    """Write a path like `pipeline[1].settings.model: `; nothing for the whole file."""
    text = name
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return f"{text}: " if text else ""


def _model_at(model: type[BaseModel], location: Steps) -> type[BaseModel] | None:
    """Find the model that describes the mapping at a location, if one does."""
    current: Any = model
    for step in location:
        current = _below(current, step)
    return next((kind for kind in _members(current) if _is_model(kind)), None)


def _below(annotation: Any, step: str | int) -> Any:
    """Find the type of what stands one step below a value of this type."""
    for kind in _members(annotation):
        inner = typing.get_args(kind)
        if _is_model(kind):
            fields = {field.alias or key: field for key, field in kind.model_fields.items()}
            return fields[str(step)].annotation if step in fields else annotation
        if inner and typing.get_origin(kind) in (list, tuple, set, frozenset):
            return inner[0]
        if len(inner) == 2 and typing.get_origin(kind) in (dict, Mapping):
            return inner[1]
    return None


def _members(annotation: Any) -> list[Any]:
    """List what a union is made of, or the type itself."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [kind for arg in typing.get_args(annotation) for kind in _members(arg)]
    return [annotation]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_secret_field(model: type[BaseModel], location: Steps) -> bool:
    """Say whether a field is declared to hold a secret, whatever its name."""
    described = _model_at(model, location[:-1]) if location else None
    fields = described.model_fields if described else {}
    return any(
        (field.alias or key) == location[-1] and "SecretStr" in repr(field.annotation)
        for key, field in fields.items()
    )


def _known(model: type[BaseModel], location: Steps) -> list[str]:
    described = _model_at(model, location)
    fields = described.model_fields if described else {}
    return [field.alias or key for key, field in fields.items()]


def _description(model: type[BaseModel], location: Steps) -> str:
    described = _model_at(model, location[:-1])
    for key, field in (described.model_fields if described else {}).items():
        if (field.alias or key) == location[-1] and field.description:
            return f" {field.description.rstrip('.')}."
    return ""
