"""A constructor's parameters become a pydantic model: the keys that a part has in YAML.

A key is a constructor argument: same name, same type, same bounds (`Annotated[..., Field(...)]`).
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

_CONFIG = ConfigDict(
    strict=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
)
_REQUIRED: Any = ...


def parameter_model(cls: type[Any]) -> type[BaseModel]:
    """Make the model of what a class's constructor takes by keyword.

    A constructor with `**kwargs` takes what the next class in its order of inheritance names, as
    it passes them on; the last in this row, Pipecat's FrameProcessor, gives nothing but `name`.
    """
    fields: dict[str, Any] = {}
    for owner, parameter in _parameters(cls):
        key = f"arg_{parameter.name}"
        if key in fields:
            continue
        annotation = _Hints(owner).of(parameter.name, parameter.annotation)
        if parameter.name == "settings" and (described := _settings_model(cls)):
            annotation = described | None
        default = parameter.default
        if default is parameter.empty:
            # A class may itself pass on what its base requires.
            default = _REQUIRED if owner is _constructors(cls)[0] else None
        fields[key] = _field(parameter.name, annotation, default)
    if "arg_name" not in fields and _reaches_frame_processor(cls):
        about = Field(description="The name of this part in logs and metrics.")
        fields["arg_name"] = _field("name", Annotated[str | None, about], None)
    return create_model(cls.__qualname__, __config__=_CONFIG, **fields)


def inherited_names(cls: type[Any]) -> frozenset[str]:
    """Name the parameters that a class takes only to pass them on."""
    own = _constructors(cls)[:1]
    names = {parameter.name for owner, parameter in _parameters(cls) if owner in own}
    return frozenset(parameter.name for _, parameter in _parameters(cls)) - names


def _constructors(cls: type[Any]) -> list[type[Any]]:
    """List the classes whose constructors see a keyword, from the class itself upwards."""
    owners: list[type[Any]] = []
    for owner in cls.__mro__:
        if owner is object or "__init__" not in vars(owner):
            continue
        if _is_bottom(owner):
            break
        owners.append(owner)
        kinds = [parameter.kind for parameter in _signature(owner)]
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    return owners


def _parameters(cls: type[Any]) -> list[tuple[type[Any], inspect.Parameter]]:
    """List every parameter that may be given by keyword, with the class that names it."""
    by_keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        (owner, parameter)
        for owner in _constructors(cls)
        for parameter in _signature(owner)
        if parameter.kind in by_keyword
    ]


def _signature(owner: type[Any]) -> list[inspect.Parameter]:
    """List the parameters of a class's own constructor, without `self`."""
    return list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]


def _is_bottom(owner: type[Any]) -> bool:
    """Say whether a class is what all processors share, below every service."""
    return owner.__module__ in (
        "pipecat.processors.frame_processor",
        "pipecat.utils.base_object",
    )


def _reaches_frame_processor(cls: type[Any]) -> bool:
    """Say whether keywords are passed on all the way to Pipecat's FrameProcessor."""
    if not any(_is_bottom(base) for base in cls.__mro__):
        return False
    owners = _constructors(cls)
    if not owners:
        return True
    kinds = [parameter.kind for parameter in _signature(owners[-1])]
    return inspect.Parameter.VAR_KEYWORD in kinds


def _field(name: str, annotation: Any, default: Any) -> tuple[Any, Any]:
    """Give a field its YAML name as alias, so that no name clashes with pydantic's own."""
    return Annotated[annotation, Field(alias=name)], default


class _Hints:
    """The annotations of a function or class, one by one: what can't be resolved is Any."""

    def __init__(self, owner: type[Any]) -> None:
        self._globals = vars(sys.modules[owner.__module__])
        self._locals = dict(vars(owner))

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
    hints = _Hints(settings)
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
