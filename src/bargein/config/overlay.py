"""How one file lies over another: `extends:`.

Mappings merge key by key, and the overlay wins. A mapping that names another `use` replaces the
base's whole. The lists `pipeline` and `tools` merge by name, which is the `use` of an item or else
its `name`, when every item of the overlay names one of the base; the base's order stays. Otherwise
the overlay's list replaces the base's whole. Any other list, and any single value, is replaced.
"""

from __future__ import annotations

from collections import Counter

from bargein.config.problems import Problem
from bargein.config.tree import Entry, Items, Node, Scalar, Table, scalars

NAMED = ("pipeline", "tools")
"""Lists whose items have names."""


def lay_over(base: Table, overlay: Table, found: list[Problem]) -> Table:
    """Return the base with the overlay on it; every value keeps the place it was written at."""
    entries = dict(base.entries)
    for key, entry in overlay.entries.items():
        under = entries.get(key)
        node = entry.node
        if under is not None:
            if key in NAMED and isinstance(under.node, Items) and isinstance(node, Items):
                node = _lay_over_list(under.node, node, found)
            else:
                node = _lay_over_node(as_part(key, under.node), as_part(key, node))
        entries[key] = Entry(key, entry.place, node)
    return Table(entries, overlay.place)


def use_of(item: Node) -> Scalar | None:
    """Return where a pipeline item names its part: itself, or its key `use`."""
    named = item.get("use") if isinstance(item, Table) else item
    return named if isinstance(named, Scalar) and isinstance(named.value, str) else None


def name_of(item: Node) -> str:
    """Give the name by which an item of a list is known: its `use`, or its `name`; or nothing.

    Tools of an MCP server have that of the server: its URL, or its command.
    """
    named = use_of(item)
    if named is None and isinstance(item, Table):
        server = item.get("mcp")
        if isinstance(server, Table):
            return _server(server)
        named = use_of(item.get("name") or item)
    return str(named.value) if named else ""


def _server(server: Table) -> str:
    address = server.get("url") or server.get("command")
    return " ".join(each.text for each in scalars(address)) if address else ""


def as_part(key: str, node: Node) -> Node:
    """Write a bare `transport: local` as the mapping that it stands for; leave other keys alone."""
    return as_table(node) if key == "transport" else node


def as_table(item: Node) -> Node:
    """Write a bare `- played_audio` as the mapping that it stands for."""
    if isinstance(item, Scalar) and isinstance(item.value, str):
        return Table({"use": Entry("use", item.place, item)}, item.place)
    return item


def _lay_over_node(base: Node, overlay: Node) -> Node:
    if not (isinstance(base, Table) and isinstance(overlay, Table)):
        return overlay
    new_use, old_use = use_of(overlay), use_of(base)
    if new_use and old_use and new_use.value != old_use.value:
        return overlay
    entries = dict(base.entries)
    for key, entry in overlay.entries.items():
        under = entries.get(key)
        if key == "use" and new_use and old_use:
            continue  # the same part: it stands where the base put it
        node = _lay_over_node(under.node, entry.node) if under else entry.node
        entries[key] = Entry(key, entry.place, node)
    return Table(entries, base.place)


def _lay_over_list(base: Items, overlay: Items, found: list[Problem]) -> Items:
    base_uses = [name_of(item) for item in base.nodes]
    overlay_uses = [name_of(item) for item in overlay.nodes]
    if not overlay_uses or not set(overlay_uses) <= set(base_uses) - {""}:
        return overlay
    count_in_base, count_in_overlay = Counter(base_uses), Counter(overlay_uses)
    changes: dict[str, Node] = {}
    for use, item in zip(overlay_uses, overlay.nodes, strict=True):
        if count_in_base[use] > 1 or count_in_overlay[use] > 1:
            where = "the file below has" if count_in_base[use] > 1 else "this list has"
            found.append(
                Problem(
                    item.place,
                    f"{use!r} is ambiguous: {where} it more than once. "
                    "Change it in the file below, or with --set and its index.",
                )
            )
        changes[use] = item
    merged = [
        _lay_over_node(as_table(item), as_table(changes[use])) if use in changes else item
        for use, item in zip(base_uses, base.nodes, strict=True)
    ]
    return Items(tuple(merged), base.place)
