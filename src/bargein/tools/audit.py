"""The audit: one line of JSON for each step of each call, each sealed to the one before it.

A line is the entry's JSON with `,"hash":"..."}` at its end. The hash is of the very bytes before
that, in which `prev` names the hash of the line before: who changes, takes out or moves a line
breaks the chain there. With a key the hash is an HMAC, and nobody without the key can make
another chain in its place.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

BEGINNING = "-"
"""Stands for the hash before the first line."""
SHA256 = "sha256"
HMAC_SHA256 = "hmac-sha256"
MAX_ARGUMENTS_BYTES = 8_192
"""Longer ones are written as their size and digest."""
MAX_NAME_CHARACTERS = 100
MAX_REASON_CHARACTERS = 300
_SEALED = re.compile(rb'(.*),"hash":"((?:hmac-)?sha256:[0-9a-f]{64})"\}', re.DOTALL)


class Event(StrEnum):
    """What happened."""

    PROPOSED = "proposed"
    """The LLM wants a tool called."""
    REFUSED = "refused"
    """The policy says no; `code` and `reason` say why. Nothing ran."""
    CONFIRMED = "confirmed"
    """The user said yes."""
    DECLINED = "declined"
    """The user said no, or nothing that could be understood, in time. Nothing ran."""
    STARTED = "started"
    """The handler is about to run: this line is on the disk before it does."""
    RETURNED = "returned"
    """Its result was accepted, and goes to the LLM."""
    FAILED = "failed"
    """It raised, took too long, or its result was not accepted; `code` says which."""
    CANCELLED = "cancelled"
    """It was stopped: the user took the floor, or the session ended."""
    LIMIT = "limit"
    """A budget is used up; `code` names it and `reason` whose it is."""
    SEGMENT = "segment"
    """No call: the file was found otherwise than it was left; `reason` says how."""


class Entry(BaseModel):
    """One line, but for its hash."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    v: int = Field(default=1, ge=1, le=1, description="Version of the format.")
    seq: int = Field(ge=1, description="Counts the lines from 1, over all files of the audit.")
    at: str = Field(description="When: ISO 8601, UTC.")
    session: str = Field(default="", description="Id of the session.")
    identity: str = Field(default="", description="Who talks with the bot.")
    bot: str = Field(default="", description="The configuration's name.")
    config: str = Field(default="", description="Hash of the effective configuration.")
    event: Event = Field(description="What happened.")
    tool: str = Field(default="", description="The tool's name, as the LLM wrote it.")
    call_id: str = Field(default="", description="The call's id, as the LLM service gave it.")
    arguments: Any = Field(
        default=None,
        description="What the LLM proposed, private values masked; null where it is not written.",
    )
    arguments_bytes: int | None = Field(
        default=None,
        description="Size of arguments that are not written: too long, or no JSON of the schema; "
        "0 where they can't be written at all.",
    )
    arguments_digest: str = Field(default="", description="Their digest.")
    code: str = Field(default="", description="Why, in a word: of a refusal, failure or limit.")
    reason: str = Field(default="", description="Why, in a sentence.")
    duration_ms: float | None = Field(default=None, description="How long the handler ran.")
    result_digest: str = Field(
        default="",
        description="Digest of the result. Of few possible results it gives away which it was, "
        "unless there is a key.",
    )
    prev: str = Field(description="The hash of the line before; `-` for the first one.")


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a chain."""

    seq: int = 0
    hash: str = BEGINNING


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read, with the bytes that its hash is of."""

    entry: Entry
    hash: str
    body: bytes

    @property
    def head(self) -> Head:
        """What the next line follows on."""
        return Head(self.entry.seq, self.hash)


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes hashes, with a key if there is one."""

    key: bytes | None = None

    @property
    def kind(self) -> str:
        """What stands before its hashes."""
        return HMAC_SHA256 if self.key else SHA256

    def digest(self, data: bytes) -> str:
        """Give the hash of some bytes."""
        if self.key:
            made = hmac.digest(self.key, data, "sha256").hex()
        else:
            made = hashlib.sha256(data).hexdigest()
        return f"{self.kind}:{made}"

    def digest_of(self, value: Any) -> str:
        """Give the digest of something that is JSON."""
        return self.digest(canonical(value))

    def line(self, entry: Entry) -> tuple[bytes, Head]:
        """Write a line, with its end; gives also what the next one follows on."""
        told = {key: each for key, each in entry.model_dump(mode="json").items() if _says(each)}
        body = json.dumps(told, separators=(",", ":"), allow_nan=False).encode().removesuffix(b"}")
        made = self.digest(body)
        return body + f',"hash":"{made}"}}\n'.encode(), Head(entry.seq, made)

    def holds(self, line: Line) -> bool:
        """Whether a line is as it was written, by who has the same key."""
        return hmac.compare_digest(self.digest(line.body), line.hash)


def read_line(data: bytes) -> Line:
    """Read a line without its end; ValueError if it is none. Its hash is not looked at yet."""
    found = _SEALED.fullmatch(data)
    if found is None:
        raise ValueError("it has no hash at its end")
    return Line(Entry.model_validate_json(found[1] + b"}"), found[2].decode(), found[1])


def canonical(value: Any) -> bytes:
    """Write JSON in the one way in which equal values are equal bytes; what is none, as text."""
    told = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    return told.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be written: an entry before it has its place in the chain."""

    event: Event
    session: str = ""
    identity: str = ""
    bot: str = ""
    config: str = ""
    tool: str = ""
    call_id: str = ""
    arguments: Any = None
    """JSON with private values masked; text or bytes are what could not be read as arguments."""
    code: str = ""
    reason: str = ""
    duration_ms: float | None = None
    result_digest: str = ""

    def entry(self, *, at: str, behind: Head, seal: Seal) -> Entry:
        """Give it its place; what is too long is cut, or written as size and digest."""
        names = ("session", "identity", "bot", "config", "tool", "call_id", "code")
        return Entry(
            seq=behind.seq + 1,
            at=at,
            event=self.event,
            **{name: _plain(getattr(self, name), MAX_NAME_CHARACTERS) for name in names},
            reason=_plain(self.reason, MAX_REASON_CHARACTERS),
            duration_ms=None if self.duration_ms is None else round(self.duration_ms, 3),
            result_digest=self.result_digest,
            prev=behind.hash,
            **_written(self.arguments, seal),
        )


def _written(arguments: Any, seal: Seal) -> dict[str, Any]:
    """Give what an entry says of arguments; in what is no JSON nobody knows what is private."""
    if arguments is None:
        return {}
    if isinstance(arguments, str):
        arguments = arguments.encode("utf-8", "replace")
    is_unread = isinstance(arguments, bytes)
    try:
        data = arguments if is_unread else canonical(arguments)
    except (TypeError, ValueError, RecursionError):  # no JSON, or too deep for it
        return {"arguments_bytes": 0}
    if is_unread or len(data) > MAX_ARGUMENTS_BYTES:
        return {"arguments_bytes": len(data), "arguments_digest": seal.digest(data)}
    return {"arguments": json.loads(data, parse_constant=str)}


def _plain(text: str, most_characters: int) -> str:
    """Cut text, and put a mark in place of half a surrogate, which is no JSON."""
    return text[:most_characters].encode("utf-8", "replace").decode()


def _says(value: Any) -> bool:
    return value is not None and value != ""
