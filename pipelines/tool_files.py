"""Files of tools are put in place of their names, so that overlays and `--set` reach into them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bargein.config.document import parse
from bargein.config.overlay import use_of
from bargein.config.problems import Problem
from bargein.config.tree import Entry, Items, Node, Scalar, Table
from bargein.config.variables import substitute
from bargein.pipelines.text_files import read_text

KEYS = "name, description, arguments, handler"
"""What to write into a file of tools that is empty."""


def with_tool_files(table: Table, environ: Mapping[str, str], found: list[Problem]) -> Table:
    """Give a configuration in which `tools` names no files any more, but holds what is in them."""
    tools = table.get("tools")
    if not isinstance(tools, Items):
        return table
    nodes = [node for item in tools.nodes for node in _in_place(item, environ, found)]
    entry = Entry("tools", table.entries["tools"].place, Items(tuple(nodes), tools.place))
    return Table({**table.entries, "tools": entry}, table.place)


def _in_place(item: Node, environ: Mapping[str, str], found: list[Problem]) -> tuple[Node, ...]:
    """Give what an item stands for: itself, unless it names a file of tools."""
    written = use_of(item)
    named = substitute(written, environ, found) if written else None
    if not isinstance(named, Scalar) or not is_tool_file(named.text):
        return (item,)
    if isinstance(item, Table) and len(item.entries) > 1:
        message = "a file of tools takes no keys. Set them with an item of the tool's name below."
        found.append(Problem(item.place, f"tools: {message}"))
        return ()
    path = Path(os.path.normpath(Path(named.folder) / Path(named.text).expanduser()))
    return _tools_of(path, named, found)


def is_tool_file(text: str) -> bool:
    """Whether an item of `tools` is a file with tools in it."""
    return text.endswith((".yaml", ".yml"))


def _tools_of(path: Path, named: Scalar, found: list[Problem]) -> tuple[Node, ...]:
    text = read_text(path, named.place, "tools: ", found)
    node = parse(text, str(path), str(path.parent), found, keys=KEYS) if text is not None else None
    if node is None:
        return ()
    items = node.nodes if isinstance(node, Items) else (node,)
    for item in items:
        use = use_of(item)
        if use and is_tool_file(use.text):
            message = "a file of tools names no other file. Name it in the configuration."
            found.append(Problem(use.place, f"tools: {message}"))
            return ()
    return items
