"""`--set pipeline.silero_vad.probability_threshold=0.7` on the command line wins over every file.

The parts of the pipeline are addressed by their `use`, the tools by their name, and both by their
index from 0; of `./file.py:Name` the name will do. A value is read as YAML when it begins with a
bracket or a quote, and as one plain value otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from bargein.config.document import parse
from bargein.config.overlay import as_part, as_table, name_of
from bargein.config.problems import Problem, did_you_mean
from bargein.config.tree import Entry, Items, Node, Scalar, Table, plain_value
from bargein.errors import Place


def override(table: Table, setting: str, found: list[Problem]) -> Table:
    """Return the table with one `address=value` put in; what is wrong goes to `found`."""
    address, equals, text = setting.partition("=")
    address = address.strip()
    place = Place(f"--set {address}")  # without the value, which may be a secret
    if not equals or not address or "" in address.split("."):
        message = "Write address=value, like pipeline.silero_vad.probability_threshold=0.7."
        found.append(Problem(place, f"this is no setting. {message}"))
        return table
    if address.partition(".")[0] == "extends":
        found.append(Problem(place, "extends belongs in a file. Write it there."))
        return table
    value = _value(text, place, found)
    changed = _put(table, address, value, place, found) if value else table
    return changed if isinstance(changed, Table) else table


def _value(text: str, place: Place, found: list[Problem]) -> Node | None:
    """Read the value; every value of it is placed at the setting itself."""
    if text.lstrip()[:1] not in ("[", "{", '"', "'"):
        return Scalar(plain_value(text), text, place, is_loose=True)
    broken: list[Problem] = []
    node = parse(text, place.file, "", broken)
    # Messages of the reader may quote the value; a setting's value is never shown.
    if broken or node is None:
        found.append(Problem(place, "the value is not YAML. Close its brackets and quotes."))
        return None
    return _at(node, place)


def _at(node: Node, place: Place) -> Node:
    """Give a node and everything under it one place."""
    match node:
        case Scalar():
            return replace(node, place=place)
        case Items():
            return Items(tuple(_at(item, place) for item in node.nodes), place)
        case Table():
            entries = {
                key: Entry(key, place, _at(entry.node, place))
                for key, entry in node.entries.items()
            }
            return Table(entries, place)


def _put(node: Node, address: str, value: Node, place: Place, found: list[Problem]) -> Node:
    """Put the value at the address below a node, making the tables on the way."""
    if not address:
        return value
    match node:
        case Table():
            key, _, rest = address.partition(".")
            under = as_part(key, node.get(key) or Table({}, place))
            entries = dict(node.entries)
            entries[key] = Entry(key, place, _put(under, rest, value, place, found))
            if rest and key in node.entries:
                entries[key] = Entry(key, node.entries[key].place, entries[key].node)
            return Table(entries, node.place)
        case Items():
            index, rest = _item(node, address, place, found)
            if index is None:
                return node
            nodes = list(node.nodes)
            nodes[index] = _put(as_table(nodes[index]), rest, value, place, found)
            return Items(tuple(nodes), node.place)
        case Scalar():
            found.append(Problem(place, f"there is no {address!r} here: this is a single value."))
            return node


def _addressed(item: Node) -> str:
    """Name an item as an address does; a path can't stand in one, for its dots."""
    name = name_of(item)
    path, _, last = name.rpartition(":")
    return last if path.startswith(".") else name


def _item(items: Items, address: str, place: Place, found: list[Problem]) -> tuple[int | None, str]:
    """Find which item of a list an address begins with; a `use` may have dots in it."""
    uses = [_addressed(item) for item in items.nodes]
    matching = [use for use in uses if use and f"{address}.".startswith(f"{use}.")]
    if matching:
        use = max(matching, key=len)
        if uses.count(use) > 1:
            indices = ", ".join(str(i) for i, other in enumerate(uses) if other == use)
            message = f"{use!r} stands more than once. Address it by its index: {indices}."
            found.append(Problem(place, message))
            return None, ""
        return uses.index(use), address[len(use) + 1 :]
    first, _, rest = address.partition(".")
    if first.isdecimal() and int(first) < len(uses):
        return int(first), rest
    known = [use for use in uses if use]
    message = f"there is no part {first!r} in this list.{did_you_mean(first, known)}"
    found.append(Problem(place, f"{message} An index from 0 to {len(uses) - 1} will do, too."))
    return None, ""
