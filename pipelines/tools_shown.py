"""Tools as `bargein config` prints them: complete, readable again, and without secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bargein.config.masking import MASK, is_secret_name, masked
from bargein.config.tools import ToolRules
from bargein.config.tree import Data, Node, scalars
from bargein.pipelines.tools_config import Declarations
from bargein.tools.mcp import McpServer, McpTool
from bargein.tools.tool import Permissions, PythonHandler, Tool


def shown_tools(declared: Declarations, written: Node | None, home: Path) -> list[Data]:
    """Write out all tools; paths start at `home`. `written` tells what came from which variable."""
    tools: list[Any] = [_tool(each, home) for each in declared.tools]
    servers: list[Any] = [_server(each, home) for each in declared.servers]
    hidden = {
        scalar.text
        for scalar in (scalars(written) if written else ())
        if scalar.text and any(is_secret_name(name) for name in scalar.variables)
    }
    return [_without(each, hidden) for each in [*tools, *servers]]


def shown_rules(rules: ToolRules, home: Path) -> Data:
    """Write out the rules for all tools."""
    plain: dict[str, Data] = rules.model_dump(mode="json")
    return {**plain, "audit": _relative(rules.audit, home) if rules.audit else None}


def _tool(tool: Tool, home: Path) -> dict[str, Data]:
    assert isinstance(tool.handler, PythonHandler)
    handler = tool.handler
    source = f"./{_relative(Path(handler.source), home)}" if handler.is_file else handler.source
    return {
        "name": tool.name,
        "description": masked("description", tool.description),
        "arguments": dict(tool.arguments.json),
        "result": dict(tool.result.json) if tool.result else None,
        "handler": f"{source}:{handler.function}",
        **_rules(tool),
        "permissions": _permissions(tool.permissions, home),
    }


def _server(server: McpServer, home: Path) -> dict[str, Data]:
    way: dict[str, Data]
    if server.command:
        permissions = _permissions(server.permissions, home)
        way = {"command": list(server.command), "permissions": permissions}
    else:
        headers = dict.fromkeys(server.headers, MASK)
        way = {"url": masked("url", server.url), "headers": dict(headers)}
    return {"mcp": {**way, "tools": [_mcp_tool(each) for each in server.tools]}}


def _mcp_tool(tool: McpTool) -> Data:
    result = dict(tool.result.json) if tool.result else None
    about: dict[str, Data] = {"tool": tool.tool, "name": tool.name}
    return {**about, "description": tool.description, "result": result, **_rules(tool)}


def _rules(tool: Tool | McpTool) -> dict[str, Data]:
    return {
        "timeout_ms": tool.timeout_ms,
        "rate": str(tool.rate) if tool.rate else None,
        "cost": tool.cost,
        "confirm": "user" if tool.confirm else None,
        "question": tool.question or None,
        "on_interruption": tool.on_interruption.value,
        "max_result_bytes": tool.max_result_bytes,
    }


def _permissions(permissions: Permissions, home: Path) -> Data:
    return {
        "network": list(permissions.network),
        "read": [_relative(path, home) for path in permissions.read],
        "write": [_relative(path, home) for path in permissions.write],
        "env": list(permissions.env),
    }


def _relative(path: Path, home: Path) -> str:
    return Path(os.path.relpath(path, home.resolve())).as_posix()


def _without(value: Any, hidden: Iterable[str]) -> Any:
    """Strike what came from a secret variable; keys are the file's own words."""
    if isinstance(value, str):
        for text in hidden:
            value = value.replace(text, MASK)
        return value
    if isinstance(value, Mapping):
        return {str(key): _without(item, hidden) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(item, hidden) for item in value]
    return value
