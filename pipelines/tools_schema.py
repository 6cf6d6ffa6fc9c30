"""The JSON Schema of an item of `tools`, from the models that the loader checks it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from bargein.config.tools import FunctionKeys, McpKeys, ToolKeys

Schema = dict[str, Any]
Describe = Callable[[type[BaseModel], str], tuple[Schema, Schema]]
FILE_OR_FUNCTION: Schema = {
    "type": "string",
    "pattern": r"\.ya?ml$|:|\$\{",
    "description": "A file of tools, or a function that carries its declaration.",
}
TOOL, OVER, FUNCTION, MCP, ITEM = "tool", "tool_over", "tool_function", "tool_mcp", "tool_item"


def tools_definitions(describe: Describe) -> Schema:
    """Define an item of `tools`, and what it may be; `_over` where another file is extended.

    There a tool that is named alone changes the one below.
    """
    definitions: Schema = {}
    for name, model in ((TOOL, ToolKeys), (FUNCTION, FunctionKeys), (MCP, McpKeys)):
        described, inner = describe(model, name)
        definitions |= {**inner, name: described}
    definitions[OVER] = {**definitions[TOOL], "required": ["name"]}
    _allow_bare_names(definitions[MCP])
    server = {
        "type": "object",
        "properties": {"mcp": {"$ref": f"#/$defs/{MCP}"}},
        "required": ["mcp"],
        "additionalProperties": False,
    }
    function = {"$ref": f"#/$defs/{FUNCTION}"}
    for name, suffix in ((TOOL, ""), (OVER, "_over")):
        options = [FILE_OR_FUNCTION, {"$ref": f"#/$defs/{name}"}, function, server]
        definitions[f"{ITEM}{suffix}"] = {"anyOf": options}
    return definitions


def _allow_bare_names(server: Schema) -> None:
    """Let a tool of a server be its name alone, or a mapping."""
    for choice in server["properties"]["tools"]["anyOf"]:
        if "items" in choice:
            choice["items"] = {"anyOf": [{"type": "string"}, choice["items"]]}
