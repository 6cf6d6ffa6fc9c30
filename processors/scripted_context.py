"""A Pipecat context as a script reads it: who said what, what was called, and what that gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipecat.processors.aggregators import async_tool_messages
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.script_calls import Cancelled, outcome_of
from bargein.scripted_reply import BotSaid, Called, Event, Finished, UserSaid

IN_PROGRESS = "IN_PROGRESS"
CANCELLED = "CANCELLED"
"""What Pipecat's assistant context writes in a result's place; a notice begins with it, too."""


def events_of(context: LLMContext) -> Iterator[Event]:
    """Give what the messages of a context say, in order; those of one vendor's own are left out."""
    for message in context.get_messages():
        if isinstance(message, dict):
            yield from _events(message)


def _events(message: Mapping[str, Any]) -> Iterator[Event]:
    match message.get("role"):
        case "user":
            yield UserSaid(_text(message))
        case "assistant":
            for call in message.get("tool_calls") or ():
                function = call["function"]
                yield Called(call["id"], function["name"], json.loads(function["arguments"]))
            if text := _text(message):
                yield BotSaid(text)
        case "tool" | "developer":
            yield from _finished(message)


def _finished(message: Mapping[str, Any]) -> Iterator[Event]:
    """Read a result; one that comes late is in a developer message."""
    late = async_tool_messages.parse_message(message)  # type: ignore[arg-type]
    if late is None and message.get("role") == "tool":
        yield from _outcome(message["tool_call_id"], _text(message))
    elif late is not None and late.kind == "final":
        yield from _outcome(late.tool_call_id, late.result or "")


def _outcome(call_id: str, content: str) -> Iterator[Event]:
    if content.startswith(CANCELLED):  # a result is JSON: a text in it begins with a quote
        yield Finished(call_id, Cancelled())
    elif content != IN_PROGRESS:
        yield Finished(call_id, outcome_of(content))


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    parts: list[Any] = [part for part in content if isinstance(part, dict)]
    return " ".join(part["text"] for part in parts if part.get("type") == "text")
