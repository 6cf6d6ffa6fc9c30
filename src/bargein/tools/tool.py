"""A tool as it is declared: what it is for, what it takes and gives, and what it may do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bargein.tools.schema import Schema

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
"""What OpenAI and Anthropic both take as a tool's name."""
_RATE = re.compile(r"([1-9][0-9]{0,5})\s*/\s*(s|min|h)")
_PER_MS = {"s": 1_000, "min": 60_000, "h": 3_600_000}
DEFAULT_TIMEOUT_MS = 10_000
MAX_RESULT_BYTES = 16_384
"""As JSON: some 4,000 tokens."""


class OnInterruption(StrEnum):
    """What becomes of a call that runs when the user takes the floor."""

    CANCEL = "cancel"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in any stretch of so long."""

    calls: int
    per_ms: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `5/min`; raises ValueError that says what to write."""
        found = _RATE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no rate; write calls per time: 2/s, 5/min or 100/h")
        return cls(int(found[1]), _PER_MS[found[2]])

    def __str__(self) -> str:
        """Give it as it is written."""
        unit = next(unit for unit, ms in _PER_MS.items() if ms == self.per_ms)
        return f"{self.calls}/{unit}"


@dataclass(frozen=True, slots=True)
class PythonHandler:
    """A function that runs in the sandbox, called with the arguments by name."""

    source: str
    """`package.module`, or the absolute path of a file."""
    function: str

    @property
    def is_file(self) -> bool:
        """Whether the source is a file."""
        return self.source.endswith(".py")


@dataclass(frozen=True, slots=True)
class McpHandler:
    """A tool of an MCP server."""

    server: str
    """The name by which the bot knows the server."""
    tool: str
    """What the server calls it."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a handler may reach beside its own code; nothing by default."""

    network: tuple[str, ...] = ()
    """`host:port`, no patterns."""
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    env: tuple[str, ...] = ()
    """Names of environment variables."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, declared and checked."""

    name: str
    description: str
    arguments: Schema
    """Of an object, always."""
    handler: PythonHandler | McpHandler
    result: Schema | None = None
    """None takes any JSON that is small enough."""
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    rate: Rate | None = None
    cost: float = 0.0
    """Of one call, in the budget's currency."""
    confirm: bool = False
    """Whether the user must say yes first."""
    question: str = ""
    """What the bot asks then, with arguments in braces."""
    on_interruption: OnInterruption = OnInterruption.CANCEL
    permissions: Permissions = field(default_factory=Permissions)
    max_result_bytes: int = MAX_RESULT_BYTES
