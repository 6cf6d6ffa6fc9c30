"""`bargein check` of a bot's tools: each with its rules, and what keeps them apart from the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from bargein.pipelines.load import Config
from bargein.pipelines.mcp import open_servers
from bargein.pipelines.shared import sandboxed
from bargein.tools.tool import PythonHandler, Tool

HEAD = ("tool", "runs", "within", "rate", "cost", "asks", "interrupted", "may reach")


def check_tools(config: Config) -> list[str]:
    """Start everything that the tools need, and give lines that say what they are.

    No lines where there are no tools. Raises ConfigError or PartError, as `run` would.
    """
    protections = asyncio.run(sandboxed(config).try_out())
    with open_servers(config) as servers:
        tools = (*config.tools, *(servers.tools if servers else ()))
        protections = protections or (servers.protections if servers else None)
    shown = table(tools) if tools else []
    return [*shown, *(protections.describe() if protections else ())]


def table(tools: Iterable[Tool]) -> list[str]:
    """Give a line for each tool, in columns."""
    rows = [HEAD, *map(_row, tools)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(tool: Tool) -> tuple[str, ...]:
    return (
        tool.name,
        _handler(tool),
        f"{tool.timeout_ms} ms",
        str(tool.rate or "-"),
        f"{tool.cost:g}" if tool.cost else "-",
        "the user" if tool.confirm else "-",
        tool.on_interruption.value,
        ", ".join(_reach(tool)) or "nothing",
    )


def _handler(tool: Tool) -> str:
    handler = tool.handler
    if not isinstance(handler, PythonHandler):
        return f"mcp {handler.tool}"
    source = Path(handler.source).name if handler.is_file else handler.source
    return f"{source}:{handler.function}"


def _reach(tool: Tool) -> list[str]:
    permitted = tool.permissions
    return [
        *permitted.network,
        *(f"reads {path.name}" for path in permitted.read),
        *(f"writes {path.name}" for path in permitted.write),
        *(f"${name}" for name in permitted.env),
    ]
