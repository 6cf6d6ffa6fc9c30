"""How a topic of a script calls tools: their arguments from what was said, slots from the results.

The language of arguments is that of answers (`pattern.py`), with one addition: an argument that
is one slot and nothing else may be more than text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bargein import pattern
from bargein.tools.proposal import Code

OTHER_ERROR = "other"
"""Stands for every code of an error that has no answer of its own."""
CODE = "code"
ERROR = "error"
TEXT_FIELD = "text"
"""The field of a result that is no object: the whole of it."""

_LEFT_OUT = object()


def _by_name(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return {name: name for name in names}
    return value


class ToolCall(BaseModel):
    """One call of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: str = Field(min_length=1, description="The name of the tool.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Its arguments; texts may hold slots. One whose slot is empty is left out.",
    )
    gives: Annotated[dict[str, str], BeforeValidator(_by_name)] = Field(
        default_factory=dict,
        description="Slots of the answer: names of the result's fields, or `slot: field.below`.",
    )


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is to be made: the tool's name and its arguments."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool has done its work."""

    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A tool was refused, or has failed."""

    code: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A call was taken back: nobody waits for it any more."""


Outcome: TypeAlias = Returned | Failed | Cancelled


@dataclass(frozen=True, slots=True)
class Filled:
    """The slots of one answer: as text, and what tools get in place of the text."""

    texts: pattern.Item
    meant: Mapping[str, Any] = field(default_factory=dict)


def call_with(call: ToolCall, slots: Filled) -> Call:
    """Fill in the arguments of a call."""
    return Call(call.tool, _filled(call.arguments, slots))


def _filled(written: Any, slots: Filled) -> Any:
    if isinstance(written, str):
        return _from_text(pattern.parse(written), slots)
    if isinstance(written, Mapping):
        items = {key: _filled(value, slots) for key, value in written.items()}
        return {key: value for key, value in items.items() if value is not _LEFT_OUT}
    if isinstance(written, list | tuple):
        return [value for each in written if (value := _filled(each, slots)) is not _LEFT_OUT]
    return written


def _from_text(node: pattern.Node, slots: Filled) -> Any:
    if isinstance(node, pattern.Slot) and node.name in slots.meant:
        return slots.meant[node.name]
    text = pattern.fill(node, slots.texts)
    return _LEFT_OUT if text is None else text


def texts_of(written: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, str]]:
    """Give every text in a call's arguments, with its path in them."""
    if isinstance(written, str):
        yield path, written
    elif isinstance(written, Mapping):
        for key, value in written.items():
            yield from texts_of(value, (*path, key))
    elif isinstance(written, list | tuple):
        for index, value in enumerate(written):
            yield from texts_of(value, (*path, index))


def outcome_of(content: str) -> Outcome:
    """Read what stands in a tool's message: JSON, or any other text as it is.

    An object with an `error` that is an object with a `code` is a failure.
    """
    try:
        result = json.loads(content)
    except ValueError:
        result = content
    error = result.get(ERROR) if isinstance(result, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get(CODE), str):
        return Returned(result)
    return Cancelled() if error[CODE] == Code.CANCELLED else Failed(error[CODE])


def slots_from(call: ToolCall, result: Any) -> dict[str, str]:
    """Give what a result puts into the slots that the call names; empty values are left out."""
    texts = {slot: spoken(_at(result, path)) for slot, path in call.gives.items()}
    return {slot: text for slot, text in texts.items() if text}


def _at(result: Any, path: str) -> Any:
    if not isinstance(result, Mapping):
        return result if path == TEXT_FIELD else None
    for step in path.split("."):
        result = result.get(step) if isinstance(result, Mapping) else None
    return result


def spoken(value: Any) -> str:
    """Write a value as one says it: lists are joined, 12.0 is 12, true is yes."""
    match value:
        case None | False | dict():
            return ""
        case True:
            return "yes"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return in_words(filter(None, map(spoken, value)))
        case _:
            return str(value)


def in_words(items: Iterable[str]) -> str:
    """Join items as one says them: `a`, `a and b`, `a, b and c`."""
    *earlier, last = [*items] or [""]
    return f"{', '.join(earlier)} and {last}" if earlier else last
