"""The item `mcp` of `tools`: how a server is reached, and which of its tools may be proposed."""

from __future__ import annotations

from bargein.config.literal_keys import literal_keys
from bargein.config.tools import McpKeys, McpToolKeys
from bargein.config.tree import Entry, Items, Node, Scalar, Table
from bargein.config.validate import validate
from bargein.pipelines.tool_keys import CommonKeys, place_of
from bargein.tools.mcp import McpServer, McpTool


def read_server(item: Table, path: str, common: CommonKeys) -> McpServer | None:
    """Read one item; None with the reason in `common.found`."""
    before = len(common.found)
    for key, entry in item.without("mcp").entries.items():
        common.report(entry.place, path, f"{key!r} does not stand beside `mcp`. Take it out.")
    written = item.get("mcp")
    assert isinstance(written, Table)
    path = f"{path}.mcp"
    common.found += [each.problem for each in literal_keys(written, path, ())]
    keys, table = validate(McpKeys, _with_mappings(written), path, written.place, common.found)
    if keys is None:
        return None
    _check_way(keys, table, path, common)
    listed = table.get("tools")
    assert isinstance(listed, Items)
    tools = [
        _tool(each, node, f"{path}.tools[{at}]", common)
        for at, (each, node) in enumerate(zip(keys.tools, listed.nodes, strict=True))
    ]
    permissions = common.permissions(table, path)
    if len(common.found) > before:
        return None
    return McpServer(
        tuple(tool for tool in tools if tool),
        command=keys.command or (),
        folder=_folder(table.get("command")),
        url=keys.url or "",
        headers=keys.headers,
        permissions=permissions,
    )


def _check_way(keys: McpKeys, table: Table, path: str, common: CommonKeys) -> None:
    if (keys.command is None) == (keys.url is None):
        common.report(table.place, path, "write one of `command` and `url`.")
    if keys.command and keys.headers:
        common.report(place_of(table, "headers"), path, "`headers` go with `url` alone.")
    if keys.url and "permissions" in table.entries:
        message = "`permissions` are for the program of `command`; a `url` runs elsewhere."
        common.report(place_of(table, "permissions"), path, message)
    if keys.url and not keys.url.startswith(("http://", "https://")):
        common.report(place_of(table, "url"), path, "url: must begin with http:// or https://.")


def _tool(keys: McpToolKeys, node: Node, path: str, common: CommonKeys) -> McpTool | None:
    assert isinstance(node, Table)
    before = len(common.found)
    name = keys.name or keys.tool
    common.take_name(name, place_of(node, "name", "tool"), path)
    result = common.result(keys.result, node, path)
    rules = common.rules(keys, node, path, None)
    if len(common.found) > before:
        return None
    return McpTool(keys.tool, name, keys.description, result, **rules)


def _folder(node: Node | None) -> str:
    first = node.nodes[0] if isinstance(node, Items) and node.nodes else None
    return first.folder if isinstance(first, Scalar) else ""


def _with_mappings(server: Table) -> Table:
    """Write the bare names of a server's tools as the mappings that they stand for."""
    listed = server.get("tools")
    if not isinstance(listed, Items):
        return server
    nodes = tuple(
        Table({"tool": Entry("tool", node.place, node)}, node.place)
        if isinstance(node, Scalar)
        else node
        for node in listed.nodes
    )
    entry = Entry("tools", server.entries["tools"].place, Items(nodes, listed.place))
    return Table({**server.entries, "tools": entry}, server.place)
