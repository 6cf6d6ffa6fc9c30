"""A part's keys become the arguments that it is constructed with, and what may be shown of them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python

from bargein.config.literal_keys import literal_keys
from bargein.config.masking import MASK, is_secret_name, masked
from bargein.config.problems import Problem
from bargein.config.tree import Data, Items, Node, Scalar, Table
from bargein.config.validate import validate
from bargein.errors import Place
from bargein.pipelines.parameters import inherited_names, parameter_model
from bargein.processors.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a part's keys come to: the arguments to construct it with, and what may be shown."""

    values: Mapping[str, Any]
    """Those that were written; the constructor knows the defaults of the rest."""
    shown: Mapping[str, Data]
    """All of them, defaults included, with secrets masked and paths relative to a folder."""


def read_arguments(
    cls: type[Any], table: Table, name: str, place: Place, home: Path, found: list[Problem]
) -> Arguments | None:
    """Hold a part's keys against its constructor; None when they do not fit.

    `place` is where the part is named, `home` the folder that shown paths are relative to.
    """
    positional = [
        parameter.name
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
    ]
    if positional:
        message = f"{cls.__qualname__} wants {positional[0]!r} by position, which YAML can't give."
        found.append(Problem(place, f"{name}: {message} Make it a keyword."))
        return None
    model = parameter_model(cls)
    before = len(found)
    found += _literal_keys(model, table, name)
    validated, read = validate(
        model, table, name, place, found, elsewhere=_keys_of_vendor(cls, table)
    )
    if validated is None:
        return None
    inherited = inherited_names(cls)  # what a class passes on by itself is not known from here
    values: dict[str, Any] = {}
    shown: dict[str, Data] = {}
    for field_name, field in model.model_fields.items():
        key = field.alias or field_name
        value = getattr(validated, field_name)
        node = read.get(key)
        if node is not None:
            value = _resolve_paths(value, node, f"{name}.{key}", found)
            values[key] = _as_settings(cls, value) if key == "settings" else value
        if node is not None or key not in inherited:
            shown[key] = masked(key, _jsonable(value, home, is_delta=key == "settings"), node)
    return Arguments(values, shown) if len(found) == before else None


def _keys_of_vendor(cls: type[Any], table: Table) -> Mapping[str, str]:
    """Say of what looks like the key of a part's vendor that it does not belong into a YAML."""
    vendor = getattr(cls, "vendor", None)
    if not isinstance(vendor, Vendor):
        return {}
    return {key: vendor.refused_in_yaml for key in table.entries if is_secret_name(key)}


def _literal_keys(model: type[BaseModel], table: Table, name: str) -> list[Problem]:
    """Refuse keys that are written out; those of an unknown argument are a mistake already."""
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    known = table.without(*(key for key in table.entries if key not in fields))
    declared = {key for key, field in fields.items() if "SecretStr" in repr(field.annotation)}
    return [each.problem for each in literal_keys(known, name, declared)]


def _as_settings(cls: type[Any], value: Any) -> Any:
    """Make the service's own settings of a validated mapping."""
    if not (isinstance(value, BaseModel) and hasattr(cls, "Settings")):
        return value
    written = value.model_dump(by_alias=True, exclude_unset=True)
    extra = written.pop("extra", None) or {}
    return cls.Settings.from_mapping({**written, **extra})


def _resolve_paths(value: Any, node: Node, name: str, found: list[Problem]) -> Any:
    """Let a path start at the folder of the file that it was written in; it must exist."""
    if isinstance(value, Path) and isinstance(node, Scalar):
        path = Path(node.folder) / value.expanduser()
        if not path.exists():
            message = f"there is no file {str(path)!r}. Paths start at the folder of this file."
            found.append(Problem(node.place, f"{name}: {message}"))
        return path.resolve()
    if isinstance(value, (list, tuple)) and isinstance(node, Items):
        resolved = [
            _resolve_paths(item, under, f"{name}[{index}]", found)
            for index, (item, under) in enumerate(zip(value, node.nodes, strict=False))
        ]
        return type(value)(resolved)
    if isinstance(value, dict) and isinstance(node, Table):
        return {
            key: _resolve_paths(item, node.entries[key].node, f"{name}.{key}", found)
            if key in node.entries
            else item
            for key, item in value.items()
        }
    return value


def _jsonable(value: Any, home: Path, *, is_delta: bool) -> Data:
    """Return plain data for showing; a Python object is shown as its type's name."""

    def relative(item: Any) -> Any:
        if isinstance(item, SecretStr):
            return MASK
        if isinstance(item, BaseModel):
            # A setting of a service that was not written stays away: null would be a value.
            return relative(item.model_dump(by_alias=True, exclude_unset=is_delta))
        if isinstance(item, Path):
            return Path(os.path.relpath(item, home)).as_posix()
        if isinstance(item, (list, tuple)):
            return [relative(member) for member in item]
        if isinstance(item, dict):
            return {str(key): relative(member) for key, member in item.items()}
        return item

    plain: Data = to_jsonable_python(
        relative(value), fallback=lambda item: f"<{type(item).__qualname__}>", by_alias=True
    )
    return plain
