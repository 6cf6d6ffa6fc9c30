"""An MCP server as it is declared: how to reach it, and which of its tools may be proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bargein.config.masking import without_credentials
from bargein.tools.schema import Schema
from bargein.tools.tool import (
    DEFAULT_TIMEOUT_MS,
    MAX_RESULT_BYTES,
    OnInterruption,
    Permissions,
    Rate,
)


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of the allow-list, with what is set of it; the rest is the server's word."""

    tool: str
    """What the server calls it."""
    name: str
    """What the LLM calls it."""
    description: str | None = None
    result: Schema | None = None
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    rate: Rate | None = None
    cost: float = 0.0
    confirm: bool = False
    question: str = ""
    on_interruption: OnInterruption = OnInterruption.CANCEL
    max_result_bytes: int = MAX_RESULT_BYTES


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server; it has a command or a URL."""

    tools: tuple[McpTool, ...]
    command: tuple[str, ...] = ()
    folder: str = ""
    """Where the command's relative paths begin."""
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    permissions: Permissions = field(default_factory=Permissions)

    @property
    def name(self) -> str:
        """Its command, or its URL without what is secret in it: by this it is known."""
        return " ".join(self.command) or without_credentials(self.url)
