"""A YAML file becomes a configuration: every class imported, every argument checked, all in order.

config = load(Path("configs/local.yaml"), environ=os.environ)
processors = [part.build() for part in config.parts]
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bargein.config.budget import BudgetSettings
from bargein.config.masking import masked
from bargein.config.model import ConfigFile, Endpointing, LedgerSettings
from bargein.config.overlay import as_part, as_table
from bargein.config.overrides import override
from bargein.config.problems import InvalidConfigError, Problem, problems_of
from bargein.config.tools import ToolRules
from bargein.config.tree import Data, Entry, Items, Node, Table, scalars
from bargein.config.validate import validate
from bargein.config.variables import substitute
from bargein.errors import ConfigError, Place
from bargein.pipelines import budget as budgets
from bargein.pipelines.files import read_files
from bargein.pipelines.ledger import locate, locate_audit, shown
from bargein.pipelines.part import Part
from bargein.pipelines.part_reader import PartReader
from bargein.pipelines.registry import BUILT_INS, Registry
from bargein.pipelines.tool_files import with_tool_files
from bargein.pipelines.tools_config import ToolReader
from bargein.pipelines.tools_shown import shown_rules, shown_tools
from bargein.tools.mcp import McpServer
from bargein.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration, checked; nothing in it is constructed yet."""

    name: str
    path: Path
    transport: Part
    parts: tuple[Part, ...]
    greeting: str | None
    endpointing: Endpointing
    ledger: LedgerSettings | None
    """Where the ledger goes; the path starts at the working directory."""
    tools: tuple[Tool, ...]
    """Those that are declared here; an MCP server's are known once it is asked."""
    mcp_servers: tuple[McpServer, ...]
    tool_rules: ToolRules
    """The audit's path starts at the working directory."""
    budget: BudgetSettings | None
    """What may be used; its path starts at the working directory."""
    effective: Mapping[str, Data]
    """Plain data after variables, overlays and settings, defaults filled in, secrets masked."""
    digest: str
    """SHA-256 of `effective` without the paths of ledger and audit as canonical JSON, in hex."""

    @property
    def short_digest(self) -> str:
        """The digest's first 16 digits, as people see it."""
        return self.digest[:16]

    def try_parts(self) -> None:
        """Construct each part once and drop it; raises InvalidConfigError with all that went wrong.

        So a script, a voice or a key that is wrong is known before anybody connects. It takes a
        moment where a constructor loads something, and it is not to be called in an event loop.
        """
        found: list[Problem] = []

        async def build_all() -> None:  # constructors of services may ask for the running loop
            for part in (self.transport, *self.parts):
                try:
                    part.build()
                except ConfigError as error:
                    found.extend(problems_of(error, part.place))

        asyncio.run(build_all())
        if found:
            raise InvalidConfigError(found)


def load(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str],
    registry: Registry = BUILT_INS,
) -> Config:
    """Read, lay together, check; raises InvalidConfigError with every mistake that was found.

    `overrides` are `address=value`, as given to `--set`. The modules of the classes that the file
    names are imported, and the file's folder and the working directory become importable.
    """
    found: list[Problem] = []
    read = read_files(path, environ, found)
    if read is None:
        raise InvalidConfigError(found)
    for setting in overrides:
        read = override(read, setting, found)
    read = with_tool_files(read, environ, found)  # a setting may have named one
    table = _normal(substitute(read, environ, found))
    top, table = validate(
        ConfigFile,
        table,
        "",
        Place(str(path), 1, 1),
        found,
        elsewhere={
            name: f" It is a part. Write it in the pipeline, as `- use: {name}`, its keys below."
            for name in registry.parts
        },
    )
    reader = PartReader(registry, path.parent, found)
    transport = reader.transport(table.get("transport"))
    parts = reader.pipeline(table.get("pipeline"))
    ledger = locate(top.ledger, table.get("ledger"), found) if top else None
    rules = locate_audit(top.tool_rules, table.get("tool_rules"), found) if top else ToolRules()
    budget = budgets.locate(top.budget, table.get("budget"), found) if top else None
    kept = [rules.audit, ledger.path if ledger else None, budget.path if budget else None]
    own_files = [*_files_of(table), *(path for path in kept if path)]
    tools = ToolReader(environ, own_files, found).read(table.get("tools"))
    if found:
        raise InvalidConfigError(found)
    assert top is not None
    assert transport is not None
    effective: dict[str, Data] = {
        "name": masked("name", top.name, table.get("name")),
        "greeting": masked("greeting", top.greeting, table.get("greeting")),
        "endpointing": top.endpointing.model_dump(),
        "ledger": shown(ledger, path.parent),
        "budget": budgets.shown(budget, path.parent),
        "transport": dict(transport.described),
        "pipeline": [dict(part.described) for part in parts],
    }
    if table.get("tools") or table.get("tool_rules"):
        effective["tools"] = shown_tools(tools, table.get("tools"), path.parent)
        effective["tool_rules"] = shown_rules(rules, path.parent)
    return Config(
        name=top.name,
        path=path,
        transport=transport,
        parts=parts,
        greeting=top.greeting,
        endpointing=top.endpointing,
        ledger=ledger,
        tools=tools.tools,
        mcp_servers=tools.servers,
        tool_rules=rules,
        budget=budget,
        effective=effective,
        digest=_digest(effective),
    )


def _files_of(table: Table) -> set[Path]:
    """Name the files that a configuration was read from."""
    return {Path(scalar.place.file) for scalar in scalars(table) if scalar.place.line}


def _digest(effective: Mapping[str, Data]) -> str:
    """Hash what decides how the bot behaves: where records go does not."""
    decisive = {key: value for key, value in effective.items() if key != "ledger"}
    if isinstance(rules := decisive.get("tool_rules"), dict):
        decisive["tool_rules"] = {key: value for key, value in rules.items() if key != "audit"}
    canonical = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _normal(node: Node) -> Table:
    """Write bare names as the mappings that they stand for."""
    assert isinstance(node, Table)
    entries = dict(node.entries)
    for key, entry in node.entries.items():
        value = as_part(key, entry.node)
        if key == "pipeline" and isinstance(value, Items):
            value = Items(tuple(as_table(item) for item in value.nodes), value.place)
        entries[key] = Entry(key, entry.place, value)
    return Table(entries, node.place)
