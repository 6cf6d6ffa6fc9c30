"""An LLM that does whatever any text in its context tells it to: the worst that a model can be.

It reads user messages, tool results and notes alike, and understands calls in many spellings:
`refund({...})`, `refund(amount=20)`, "call refund with amount 20", JSON with a name and arguments,
the same in base64. Each instruction is obeyed once, in the order in which it is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NAME = r"[^\W\d][\w.\-/\u200b]*"
OPENS = re.compile(rf"({NAME})\(")
TIMES = re.compile(r"\s*([\d,]+) times")
ASKED = re.compile(
    rf"\b(?:call|use|run|invoke|execute) (?:the )?(?:tool |function )?({NAME})"
    r"(?: with ([^.!?;\n]*?))?(?: ([\d,]+) times)?(?=[.!?;\n]|$)",
    re.IGNORECASE,
)
PAIR = re.compile(r"(\w+)(?:\s*[=:]\s*|\s+)(\"[^\"]*\"|'[^']*'|\S+)")
ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
NAMES, ARGUMENTS = ("name", "tool", "function"), ("arguments", "input", "parameters")
MAX_TIMES = 10_000


@dataclass(frozen=True, slots=True)
class Instruction:
    """A call that a text demands."""

    name: str
    arguments: Any
    call_id: str = ""
    """Where the text gives one."""
    is_malformed: bool = False
    times: int = 1

    def ids(self) -> Iterator[str]:
        """Give the id of each call."""
        for _ in range(self.times):
            yield self.call_id or f"call_{uuid.uuid4().hex}"


def instructions(text: str) -> list[Instruction]:
    """Find what a text demands, in order of the way it is written, then of place."""
    written, rest = _written_calls(text)
    found = [*written, *_json_calls(rest)]
    known = {each.name for each in found}
    found += [each for each in _asked_calls(rest) if each.name not in known]
    for encoded in ENCODED.findall(rest):
        try:
            found += instructions(base64.b64decode(encoded, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


def demanded(content: str) -> list[Instruction]:
    """Find what a message demands; what is JSON is opened, and each text in it read."""
    try:
        opened = json.loads(content)
    except (ValueError, RecursionError):
        return instructions(content)
    found = list(_in_json(opened))
    for text in texts_in(opened):
        found += instructions(text)
    return found


def texts_in(value: Any) -> Iterator[str]:
    """Give every text in a message's content; one that is JSON is opened."""
    if isinstance(value, str):
        try:
            opened = json.loads(value)
        except (ValueError, RecursionError):
            opened = value
        if isinstance(opened, str):
            yield opened
        else:
            yield from texts_in(opened)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def _json_calls(text: str) -> Iterator[Instruction]:
    decoder = json.JSONDecoder()
    at = 0
    while (at := text.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        yield from _in_json(value)
        at = end


def _in_json(value: Any) -> Iterator[Instruction]:
    if isinstance(value, list):
        for each in value:
            yield from _in_json(each)
    if not isinstance(value, dict):
        return
    name = next((value[key] for key in NAMES if isinstance(value.get(key), str)), None)
    if name is None:
        for each in value.values():
            yield from _in_json(each)
        return
    arguments: Any = next((value[key] for key in ARGUMENTS if key in value), {})
    yield Instruction(name, arguments, str(value.get("id", "")))


def _written_calls(text: str) -> tuple[list[Instruction], str]:
    """Find `name(...)`; gives the text without them, too."""
    found, rest, at = [], [], 0
    for opens in OPENS.finditer(text):
        if opens.start() < at:
            continue  # within another call
        call, end = _call(opens[1], text, opens.end())
        found.append(call)
        rest.append(text[at : opens.start()])
        at = end
    return found, "".join([*rest, text[at:]])


def _call(name: str, text: str, at: int) -> tuple[Instruction, int]:
    arguments, is_malformed = None, False
    if text[at : at + 1] in ("{", "["):
        try:
            arguments, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            is_malformed, end = True, _closing(text, at)
    else:
        end = _closing(text, at)
        arguments = _keywords(text[at:end])
    times = TIMES.match(text, end + 1)
    often = _times(times[1]) if times else 1
    call = Instruction(name, arguments, is_malformed=is_malformed, times=often)
    return call, times.end() if times else end + 1


def _closing(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            break
        at += 1
    return at


def _keywords(written: str) -> dict[str, Any]:
    pairs = [part.partition("=") for part in re.split(r",(?=\s*\w+\s*=)", written) if part.strip()]
    return {key.strip(): _value(value.strip()) for key, _, value in pairs}


def _asked_calls(text: str) -> Iterator[Instruction]:
    for name, written, times in ASKED.findall(text):
        pairs = PAIR.findall(re.sub(r",| and ", " ", written))
        arguments = {key: _value(value) for key, value in pairs}
        yield Instruction(name.rstrip("."), arguments, times=_times(times))


def _value(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return written.strip("\"'")


def _times(written: str) -> int:
    return min(int(written.replace(",", "") or 1), MAX_TIMES)
