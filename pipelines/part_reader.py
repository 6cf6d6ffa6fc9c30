"""The nodes of a configuration's parts become parts, checked one by one and in their order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bargein.config.overlay import as_table
from bargein.config.problems import Problem
from bargein.config.structure import Placed, Role, check_structure
from bargein.config.tree import Items, Node, Scalar, Table
from bargein.pipelines.arguments import Arguments, read_arguments
from bargein.pipelines.classes import check_processor, find_class, role_of
from bargein.pipelines.part import Part, SeveralParts
from bargein.pipelines.registry import BuiltIn, Registry

REPLACEABLE = frozenset({Role.STT, Role.LLM, Role.TTS})
"""Kinds of which several may stand in one place."""
LEAST_OF_SEVERAL = 2


class PartReader:
    """Turns the nodes of parts into parts, and gathers what is wrong with them."""

    def __init__(self, registry: Registry, home: Path, found: list[Problem]) -> None:
        self._registry = registry
        self._home = home
        self._found = found

    def transport(self, node: Node | None) -> Part | None:
        """Read the transport; a missing one is reported elsewhere."""
        if not isinstance(node, Table):
            return None
        named = self._use(node, "transport", self._registry.transports)
        if named is None:
            return None
        cls = find_class(named, "transport.use", self._registry.transports, self._found)
        if cls is None:
            return None
        return self._part(named, node, cls, Role.TRANSPORT, "transport")

    def pipeline(self, node: Node | None) -> tuple[Part, ...]:
        """Read the parts, and check their order once every one of them is known."""
        if not isinstance(node, Items) or not node.nodes:
            return ()
        parts: list[Part] = []
        placed: list[Placed] = []
        for index, item in enumerate(node.nodes):
            name = f"pipeline[{index}]"
            several = item.get("use") if isinstance(item, Table) else None
            if isinstance(item, Table) and isinstance(several, Items):
                read = self._several(item, several, name)
            else:
                read = self._one(item, name)
            placed += [each for each in read if isinstance(each, Placed)]
            parts += [each for each in read if isinstance(each, Part)]
        if len(placed) == len(node.nodes):
            known = {role: self._registry.names_of(role) for role in Role}
            self._found += check_structure(placed, node.place, known)
        return tuple(parts)

    def _one(self, item: Node, name: str) -> tuple[Placed | None, Part | None]:
        """Read a part; where it belongs is known even if its keys are wrong."""
        named = self._use(item, name, self._registry.parts)
        if named is None or not isinstance(item, Table):
            return None, None
        cls = find_class(named, f"{name}.use", self._registry.parts, self._found)
        if cls is None or not check_processor(cls, named, f"{name}.use", self._found):
            return None, None
        use = str(named.value)
        role = role_of(use, cls, self._registry)
        return Placed(use, role, named.place, name), self._part(named, item, cls, role, name)

    def _several(self, item: Table, uses: Items, name: str) -> tuple[Placed | None, Part | None]:
        """Read parts of which one works: all of one kind, the list's own keys beside them."""
        from bargein.processors.failover import Failover

        read = [
            self._one(as_table(node), f"{name}.use[{index}]")
            for index, node in enumerate(uses.nodes)
        ]
        known = [placed for placed, _ in read if placed]
        if len(known) < len(read):
            return None, None
        roles = {placed.role for placed in known}
        if len(known) < LEAST_OF_SEVERAL or len(roles) > 1 or not roles <= REPLACEABLE:
            kinds = ", ".join(f"{placed.use!r} ({placed.role})" for placed in known) or "nothing"
            message = (
                f"must be at least two recognisers, two LLMs or two voices, not {kinds}. "
                "The first is used, and the next one where it fails."
            )
            self._found.append(Problem(uses.place, f"{name}.use: {message}"))
            return None, None
        use = " or ".join(placed.use for placed in known)
        place, role = known[0].place, known[0].role
        arguments = read_arguments(
            Failover, item.without("use"), name, place, self._home, self._found
        )
        parts = tuple(part for _, part in read if part)
        several = None
        if arguments and len(parts) == len(read):
            values = dict(arguments.values)
            several = SeveralParts(
                use, role, Failover, values, arguments.shown, place, name, members=parts
            )
        return Placed(use, role, place, name), several

    def _use(self, node: Node, name: str, known: Mapping[str, BuiltIn]) -> Scalar | None:
        """Find where a part is named."""
        if not isinstance(node, Table):
            kind = "a list" if isinstance(node, Items) else f"{node.text!r}"
            message = f"must be a name, or a mapping with `use`, not {kind}."
            self._found.append(Problem(node.place, f"{name}: {message}"))
            return None
        entry = node.entries.get("use")
        if entry is None:
            called = next((key for key in node.entries if key in known), None)
            way_out = f"Write `use: {called}`." if called else "Add `use`, the name of the part."
            self._found.append(Problem(node.place, f"{name}: the key `use` is missing. {way_out}"))
            return None
        named = entry.node
        if isinstance(named, Scalar) and named.is_broken:
            return None
        if not isinstance(named, Scalar) or not isinstance(named.value, str) or not named.value:
            message = f"must be the name of a part. Known: {', '.join(known)}."
            self._found.append(Problem(entry.place, f"{name}.use: {message}"))
            return None
        return named

    def _part(
        self, named: Scalar, table: Table, cls: type[Any], role: Role, name: str
    ) -> Part | None:
        arguments: Arguments | None = read_arguments(
            cls, table.without("use"), name, named.place, self._home, self._found
        )
        if arguments is None:
            return None
        use = str(named.value)
        return Part(use, role, cls, dict(arguments.values), arguments.shown, named.place, name)
