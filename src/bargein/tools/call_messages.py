"""How a call stands in the LLM's context: two messages, the call and what came of it.

They stand behind each other always, or the LLM's service refuses the whole context. While a call
runs the second one says so; when its result comes, both move to the end, where the LLM answers
it. What ran is so never in the context twice, and never without an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bargein.tools.keywords import Json
from bargein.tools.tool import NAME

Message = Any
"""A mapping with a `role`; or what a vendor keeps in a context for itself, which stays as it is."""

RUNS = "IN_PROGRESS"
CANCELLED = (
    "CANCELLED: the user took the floor before this call had a result. "
    "Whether it took effect is not known."
)
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What OpenAI and Anthropic both take as a call's id."""
NO_NAME = "unknown_tool"


def pair(call_id: str, name: str, arguments: Json, content: str) -> list[Message]:
    """Give both messages of a call; a name that no service takes is not written."""
    written = json.dumps(arguments, ensure_ascii=False)
    function = {"name": name if NAME.fullmatch(name) else NO_NAME, "arguments": written}
    call = {"id": call_id, "function": function, "type": "function"}
    return [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": content, "tool_call_id": call_id},
    ]


def told(messages: Sequence[Message], pairs: Iterable[Sequence[Message]]) -> list[Message]:
    """Give the messages with these pairs at their end, and nowhere else."""
    new = [each for both in pairs for each in both]
    ids = {each["tool_call_id"] for each in new if each["role"] == "tool"}
    return [each for each in messages if not _is_of(each, ids)] + new


def content_of(result: Json) -> str:
    """Write a result as the LLM reads it."""
    return json.dumps(result, ensure_ascii=False)


def answer_to(messages: Iterable[Message], call_id: str) -> Message | None:
    """Give the message that says what came of a call, if it stands there."""
    return next((each for each in messages if _answers(each, {call_id})), None)


def ids_in(messages: Iterable[Message]) -> set[str]:
    """Give the ids of all calls that stand there."""
    return {each["tool_call_id"] for each in messages if _is_a(each, "tool")}


def _is_of(message: Message, ids: set[str]) -> bool:
    if _answers(message, ids):
        return True
    calls = message.get("tool_calls") or () if _is_a(message, "assistant") else ()
    return any(call.get("id") in ids for call in calls)


def _answers(message: Message, ids: set[str]) -> bool:
    return _is_a(message, "tool") and message.get("tool_call_id") in ids


def _is_a(message: Message, role: str) -> bool:
    return isinstance(message, Mapping) and message.get("role") == role
