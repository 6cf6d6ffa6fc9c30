"""What every tool has set, wherever it is declared: its name, rules, result and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bargein.config.problems import Problem
from bargein.config.tools import Rules
from bargein.config.tree import Table
from bargein.errors import Place
from bargein.pipelines.permissions import check_paths, read_permissions
from bargein.pipelines.tool_schemas import read_schema
from bargein.tools.question import question_problem
from bargein.tools.schema import Schema
from bargein.tools.tool import NAME, OnInterruption, Permissions, Rate


@dataclass(slots=True)
class CommonKeys:
    """Reads them for all tools of a configuration, and knows what must not be there twice."""

    environ: Mapping[str, str]
    own_files: list[Path]
    """The YAML files of the configuration, what the bot keeps, and handlers as they are found."""
    found: list[Problem]
    _names: dict[str, Place] = field(default_factory=dict)
    _permitted: list[tuple[Permissions, Place, str]] = field(default_factory=list)

    def take_name(self, name: str, place: Place, path: str) -> None:
        """Take a name that no other tool may have; `path` is that of the tool."""
        if not NAME.fullmatch(name):
            message = (
                f"{name!r} can't be a tool's name. Letters, digits, _ and - may stand in it, up "
                "to 64, and it begins with a letter or _."
            )
            self.report(place, f"{path}.name", message)
        elif name in self._names:
            message = f"a tool {name!r} stands at {self._names[name]} already. Rename one of them."
            self.report(place, f"{path}.name", message)
        self._names.setdefault(name, place)

    def result(
        self, written: dict[str, Any] | None, table: Table, path: str, *, is_strict: bool = True
    ) -> Schema | None:
        """Read the schema of a result, if there is one."""
        if written is None:
            return None
        return read_schema(written, table, "result", path, self.found, is_strict=is_strict)

    def rules(
        self, keys: Rules, table: Table, path: str, arguments: Schema | None
    ) -> dict[str, Any]:
        """Read what any tool may have set; problems go to `found`."""
        rate = None
        if keys.rate is not None:
            try:
                rate = Rate.parse(keys.rate)
            except ValueError as error:
                self.report(place_of(table, "rate"), f"{path}.rate", f"{error}.")
        problem = question_problem(keys.question or "", bool(keys.confirm), arguments)
        if problem:
            self.report(place_of(table, "question", "confirm"), path, problem)
        return {
            "timeout_ms": keys.timeout_ms,
            "rate": rate,
            "cost": keys.cost,
            "confirm": bool(keys.confirm),
            "question": keys.question or "",
            "on_interruption": OnInterruption(keys.on_interruption),
            "max_result_bytes": keys.max_result_bytes,
        }

    def permissions(self, table: Table, path: str) -> Permissions:
        """Read what may be reached; paths are checked once all files of the bot are known."""
        written = table.get("permissions")
        path = f"{path}.permissions"
        permissions = read_permissions(
            written if isinstance(written, Table) else None, path, self.environ, self.found
        )
        self._permitted.append((permissions, place_of(table, "permissions"), path))
        return permissions

    def check_paths(self) -> None:
        """Hold all permitted paths against the bot's own files."""
        for permissions, place, path in self._permitted:
            check_paths(permissions, place, path, self.own_files, self.found)

    def report(self, place: Place, path: str, message: str) -> None:
        """Note a mistake."""
        self.found.append(Problem(place, f"{path}: {message}"))


def place_of(table: Table, *keys: str) -> Place:
    """Find the first of these keys that is written; the table itself else."""
    written = next((key for key in keys if key in table.entries), None)
    return table.entries[written].place if written else table.place
