"""A constructor's parameters become a pydantic model: the keys that a part has in YAML.

A key is a constructor argument: same name, same type, same bounds (`Annotated[..., Field(...)]`).
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import to_jsonable_python

from bargein.config.masking import MASK, masked
from bargein.config.problems import Problem
from bargein.config.tree import Data, Items, Node, Scalar, Table
from bargein.config.validate import validate
from bargein.errors import Place

_CONFIG = ConfigDict(
    strict=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
)
_REQUIRED: Any = ...


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
    validated, read = validate(model, table, name, place, found)
    if validated is None:
        return None
    before = len(found)
    values: dict[str, Any] = {}
    shown: dict[str, Data] = {}
    for field_name, field in model.model_fields.items():
        key = field.alias or field_name
        value = getattr(validated, field_name)
        node = read.get(key)
        if node is not None:
            value = _resolve_paths(value, node, f"{name}.{key}", found)
            values[key] = _as_settings(cls, value) if key == "settings" else value
        shown[key] = masked(key, _jsonable(value, home), node)
    return Arguments(values, shown) if len(found) == before else None


def parameter_model(cls: type[Any]) -> type[BaseModel]:
    """Make the model of what a class's constructor takes by keyword."""
    fields: dict[str, Any] = {}
    hints = _Hints(cls.__init__, cls)
    parameters = inspect.signature(cls).parameters
    for parameter in parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            continue
        annotation = hints.of(parameter.name, parameter.annotation)
        if parameter.name == "settings" and (described := _settings_model(cls)):
            annotation = described | None
        has_default = parameter.default is not parameter.empty
        default = parameter.default if has_default else _REQUIRED
        fields[f"arg_{parameter.name}"] = _field(parameter.name, annotation, default)
    takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if takes_more and "arg_name" not in fields and _is_frame_processor(cls):
        about = Field(description="The name of this part in logs and metrics.")
        fields["arg_name"] = _field("name", Annotated[str | None, about], None)
    return create_model(cls.__qualname__, __config__=_CONFIG, **fields)


def _field(name: str, annotation: Any, default: Any) -> tuple[Any, Any]:
    """Give a field its YAML name as alias, so that no name clashes with pydantic's own."""
    return Annotated[annotation, Field(alias=name)], default


def _is_frame_processor(cls: type[Any]) -> bool:
    module = sys.modules.get("pipecat.processors.frame_processor")
    return module is not None and issubclass(cls, module.FrameProcessor)


class _Hints:
    """The annotations of a function or class, one by one: what can't be resolved is Any."""

    def __init__(self, owner: Any, cls: type[Any]) -> None:
        self._globals = getattr(owner, "__globals__", None) or vars(sys.modules[cls.__module__])
        self._locals = dict(vars(cls))

    def of(self, name: str, annotation: Any) -> Any:
        if annotation is inspect.Parameter.empty:
            return Any
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            hint = typing.get_type_hints(holder, self._globals, self._locals, include_extras=True)
            # A type that pydantic can't describe is left to the constructor.
            TypeAdapter(hint[name], config=_config_for(hint[name]))
        except (NameError, AttributeError, TypeError, SyntaxError):
            return Any
        except (PydanticSchemaGenerationError, PydanticUserError):
            return Any
        return hint[name]


def _config_for(annotation: Any) -> ConfigDict | None:
    """Return the model's configuration, which types with one of their own do not take."""
    has_own = isinstance(annotation, type) and (
        issubclass(annotation, BaseModel)
        or dataclasses.is_dataclass(annotation)
        or typing.is_typeddict(annotation)
    )
    return None if has_own else _CONFIG


def _settings_model(cls: type[Any]) -> type[BaseModel] | None:
    """Describe the nested `Settings` of a Pipecat service, whose `from_mapping` reads a mapping."""
    settings = getattr(cls, "Settings", None)
    if not (dataclasses.is_dataclass(settings) and hasattr(settings, "from_mapping")):
        return None
    assert isinstance(settings, type)
    hints = _Hints(settings, settings)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        if field.init and field.name != "extra":
            hint = _without_objects(hints.of(field.name, field.type))
            fields[f"arg_{field.name}"] = _field(field.name, hint, None)
    for alias in getattr(settings, "_aliases", {}):
        fields[f"arg_{alias}"] = _field(alias, Any, None)
    about = Field(description="Settings of the vendor that Pipecat has no name for.")
    fields["arg_extra"] = _field("extra", Annotated[dict[str, Any] | None, about], None)
    return create_model(f"{cls.__qualname__}.Settings", __config__=_CONFIG, **fields)


def _without_objects(annotation: Any) -> Any:
    """Drop the marker for `not given` from a union: YAML says that by leaving the key out."""
    members = typing.get_args(annotation)
    if not members or typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation
    kept = [member for member in members if "NotGiven" not in getattr(member, "__name__", "")]
    return typing.Union[tuple(kept)] if kept else Any  # noqa: UP007 (made at run time)


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


def _jsonable(value: Any, home: Path) -> Data:
    """Return plain data for showing; a Python object is shown as its type's name."""

    def relative(item: Any) -> Any:
        if isinstance(item, SecretStr):
            return MASK
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
