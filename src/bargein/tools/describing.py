"""What a decorated function says of itself: runs where the function does, never in the bot.

`describe` answers with JSON alone, as a tool does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaWarningKind

from bargein.tools.decorator import ATTRIBUTE
from bargein.tools.importing import imported
from bargein.tools.keywords import Json

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class _Generator(GenerateJsonSchema):
    """Leaves out titles that only repeat a key, and defaults that JSON can't say."""

    ignored_warning_kinds: ClassVar[set[JsonSchemaWarningKind]] = {  # type: ignore[misc]
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give fields no titles."""
        return False


def describe(source: str, functions: Sequence[str], folders: Sequence[str] = ()) -> dict[str, Json]:
    """Give, for each function of a module or a file, its keys and schemas, or its `problem`.

    A module is looked for in `folders`, too.
    """
    sys.path += folders
    module = imported(source)
    return {name: _described(getattr(module, name, None)) for name in functions}


def _described(function: Any) -> dict[str, Json]:
    keys = getattr(function, ATTRIBUTE, None)
    if keys is None or not callable(function):
        return {"problem": "it carries no declaration: write `@tool` right above `def`"}
    if problem := _unfit(function):
        return {"problem": problem}
    try:
        arguments = _schema(function, "validation")
        result = _result(function)
    except Exception as error:  # pydantic raises many kinds, and validators of the user's any
        return {"problem": f"its types have no JSON Schema: {type(error).__name__}: {error}"}
    doc = inspect.getdoc(function) or ""
    about = " ".join(doc.split("\n\n")[0].split())
    given = {"description": about} if about else {}
    return {"keys": {"name": function.__name__, **given, **keys, "arguments": arguments, **result}}


def _unfit(function: Callable[..., Any]) -> str:
    """Say why a call by name, with checked arguments, is not possible; empty if it is."""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _BY_NAME:
            return f"{parameter.name!r} can't be given by name; write each argument out"
        if parameter.annotation is parameter.empty:
            return f"{parameter.name!r} has no type; without one anything would be let in"
    return ""


def _result(function: Callable[..., Any]) -> dict[str, Json]:
    hints = get_type_hints(function, include_extras=True)
    return {"result": _schema(hints["return"], "serialization")} if "return" in hints else {}


def _schema(annotation: Any, mode: JsonSchemaMode) -> dict[str, Json]:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return adapter.json_schema(mode=mode, schema_generator=_Generator)
