"""The key `tools` of a configuration becomes tools: each checked, nothing of theirs imported here.

An item is a tool that is written out, a function that carries its declaration, or some tools of an
MCP server. What the last two say of themselves comes from another process; see `declarations.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bargein.config.overlay import as_table, name_of
from bargein.config.problems import Problem, did_you_mean
from bargein.config.tools import FunctionKeys, ToolKeys
from bargein.config.tree import Items, Node, Scalar, Table, to_node
from bargein.config.validate import validate
from bargein.errors import Place
from bargein.pipelines.declarations import Declared, declared_functions
from bargein.pipelines.handlers import Found, find_handler, package_of
from bargein.pipelines.mcp_config import read_server
from bargein.pipelines.permissions import secret_in
from bargein.pipelines.tool_keys import CommonKeys, place_of
from bargein.pipelines.tool_schemas import read_schema
from bargein.tools.mcp import McpServer
from bargein.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that the LLM may propose, as far as it is known before any server runs."""

    tools: tuple[Tool, ...] = ()
    servers: tuple[McpServer, ...] = ()


@dataclass(slots=True)
class _Pending:
    """A function whose declaration is still to be asked for."""

    keys: FunctionKeys
    table: Table
    found: Found
    path: str


class ToolReader:
    """Reads the items of `tools`, and gathers what is wrong with them."""

    def __init__(
        self, environ: Mapping[str, str], own_files: Iterable[Path], found: list[Problem]
    ) -> None:
        """Take the variables that are set, the YAML files, and the files that the bot keeps."""
        self._common = CommonKeys(environ, list(own_files), found)
        self._found = found

    def read(self, node: Node | None) -> Declarations:
        """Read the whole list; what is wrong with it as a list is reported elsewhere."""
        items = node.nodes if isinstance(node, Items) else ()
        read = [self._item(as_table(item), f"tools[{at}]") for at, item in enumerate(items)]
        pending = [each for each in read if isinstance(each, _Pending)]
        declared = declared_functions([each.found for each in pending])
        complete = [
            self._function(each, declared) if isinstance(each, _Pending) else each for each in read
        ]
        self._common.check_paths()
        return Declarations(
            tuple(each for each in complete if isinstance(each, Tool)),
            tuple(each for each in complete if isinstance(each, McpServer)),
        )

    def _item(self, item: Node, path: str) -> Tool | McpServer | _Pending | None:
        if not isinstance(item, Table):
            message = "must be a tool, a file of tools or a function."
            self._common.report(item.place, path, message)
            return None
        if isinstance(item.get("mcp"), Table):
            return read_server(item, path, self._common)
        named = name_of(item)
        path = f"tools.{named}" if named.isidentifier() else path
        return self._pending(item, path) if "use" in item.entries else self._tool(item, path)

    def _handler(self, named: Scalar, path: str) -> Found | None:
        """Find a function; it sees its whole package, so the bot's secrets may not lie there."""
        handler = find_handler(named, path, self._found)
        if handler is None:
            return None
        package = package_of(handler)
        held = secret_in(package, [*self._common.own_files, handler.path])
        if held is None:
            return handler
        message = (
            f"the package {package.name!r} holds {str(held)!r}, with the bot's secrets, and its "
            f"functions see all of it. Name the file alone, like `./{handler.path.name}:"
            f"{handler.handler.function}`, or keep the secrets elsewhere."
        )
        self._common.report(named.place, path, message)
        return None

    # A tool that is written out.

    def _tool(self, table: Table, path: str) -> Tool | None:
        elsewhere = {"sandbox": " It holds for all tools: write it under `tool_rules`."}
        keys, table = validate(ToolKeys, table, path, table.place, self._found, elsewhere=elsewhere)
        if keys is None:
            return None
        named = table.get("handler")
        assert isinstance(named, Scalar)
        handler = self._handler(named, f"{path}.handler")
        tool = self._built(keys, table, path, handler)
        if tool and handler:
            self._check_fit(tool, handler, named.place, path)
        return tool

    def _built(self, keys: ToolKeys, table: Table, path: str, handler: Found | None) -> Tool | None:
        """Make a tool of its keys; `table` is where they are written."""
        before = len(self._found)
        self._common.take_name(keys.name, place_of(table, "name"), path)
        is_strict = handler is None or not handler.is_decorated
        arguments = read_schema(
            keys.arguments, table, "arguments", path, self._found, is_strict=is_strict
        )
        result = self._common.result(keys.result, table, path, is_strict=is_strict)
        rules = self._common.rules(keys, table, path, arguments)
        permissions = self._common.permissions(table, path)
        if handler is None or arguments is None or len(self._found) > before:
            return None
        self._common.own_files.append(handler.path)
        return Tool(
            name=keys.name,
            description=keys.description,
            arguments=arguments,
            handler=handler.handler,
            result=result,
            permissions=permissions,
            **rules,
        )

    def _check_fit(self, tool: Tool, handler: Found, place: Place, path: str) -> None:
        """Hold the function's parameters against the arguments that it will be given."""
        takes = handler.parameters
        if takes is None:
            return
        schema, called = tool.arguments.json, f"{handler.handler.function}()"
        given, required = schema.get("properties", {}), schema.get("required", ())
        if takes.by_position:
            message = f"{called} takes {takes.by_position[0]!r} by position; arguments have names."
            self._common.report(place, f"{path}.handler", message)
        for name in given:
            if name not in takes.names and not takes.takes_any:
                message = f"{called} takes no {name!r}.{did_you_mean(name, takes.names)}"
                self._common.report(place, f"{path}.handler", message)
        for name in takes.required:
            if name not in required:
                way_out = "make it required" if name in given else "declare it in `arguments`"
                message = f"{called} needs {name!r}: {way_out}, or give it a default in Python."
                self._common.report(place, f"{path}.handler", message)

    # A function that carries its declaration.

    def _pending(self, table: Table, path: str) -> _Pending | None:
        keys, table = validate(FunctionKeys, table, path, table.place, self._found)
        named = table.get("use")
        if keys is None or not isinstance(named, Scalar):
            return None
        handler = self._handler(named, f"{path}.use")
        if handler is None:
            return None
        if not handler.is_decorated:
            function = handler.handler.function
            message = (
                f"{function!r} has no `@tool` above it. Write it there (`from bargein import "
                f"tool`), or write the tool out with `handler: {named.text}`."
            )
            self._common.report(named.place, f"{path}.use", message)
            return None
        return _Pending(keys, table, handler, path)

    def _function(
        self, pending: _Pending, declared: Mapping[tuple[str, str], Declared]
    ) -> Tool | None:
        handler = pending.found.handler
        answer = declared[handler.source, handler.function]
        place = place_of(pending.table, "use")
        if answer.problem:
            self._common.report(place, f"{pending.path}.use", answer.problem)
            return None
        folder = str(pending.found.path.parent)
        said = {**answer.keys, "handler": f"{handler.source}:{handler.function}"}
        table = _over(to_node(said, place, folder), pending.table)
        path = f"tools.{handler.function}"
        keys, table = validate(ToolKeys, table, path, place, self._found)
        return self._built(keys, table, path, pending.found) if keys else None


def _over(said: Node, written: Table) -> Table:
    """Lay what the YAML sets anew over what the function says of itself; null takes it back."""
    assert isinstance(said, Table)
    return Table({**said.entries, **written.without("use").entries}, written.place)
