"""A YAML file becomes a configuration: every class imported, every argument checked, all in order.

config = load(Path("configs/local.yaml"), environ=os.environ)
processors = [part.build() for part in config.parts]
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bargein.config.masking import MASK, masked, secret_texts, without_credentials
from bargein.config.model import ConfigFile, Endpointing, LedgerSettings
from bargein.config.overlay import as_part, as_table
from bargein.config.overrides import override
from bargein.config.problems import InvalidConfigError, Problem, problems_of
from bargein.config.structure import Placed, Role, check_structure
from bargein.config.tree import Data, Entry, Items, Node, Scalar, Table
from bargein.config.validate import validate
from bargein.config.variables import substitute
from bargein.errors import BargeinError, ConfigError, Place
from bargein.pipelines.arguments import Arguments, read_arguments
from bargein.pipelines.classes import check_processor, find_class, role_of
from bargein.pipelines.files import read_files
from bargein.pipelines.ledger import locate, shown
from bargein.pipelines.registry import BUILT_INS, BuiltIn, Registry

if TYPE_CHECKING:
    from bargein.processors.failover import Failover


REPLACEABLE = frozenset({Role.STT, Role.LLM, Role.TTS})
"""Kinds of which several may stand in one place."""
LEAST_OF_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pipeline, or its transport: a class, and what to construct it with."""

    use: str
    role: Role
    cls: type[Any]
    arguments: dict[str, Any] = field(repr=False)
    """Keyword arguments as written, secrets included; never print them."""
    shown: Mapping[str, Data]
    """All arguments, defaults included, secrets masked."""
    place: Place
    name: str
    """The path in the document, like `pipeline[1]`."""

    @property
    def single(self) -> tuple[Part, ...]:
        """The parts that it stands for: itself, unless it is several."""
        return (self,)

    @property
    def described(self) -> Mapping[str, Data]:
        """What may be shown of it, as it is written."""
        return {"use": self.use, **self.shown}

    def build(self) -> Any:
        """Construct a fresh instance; what its constructor raises is a ConfigError at its place.

        A ConfigError that has a place of its own, like a script's, is raised as it is.
        """
        try:
            return self.cls(**copy.deepcopy(self.arguments))
        except Exception as error:  # a constructor may raise anything; here is its outermost plug
            if isinstance(error, ConfigError) and error.place:
                raise
            kind, said = type(error).__name__, str(error)
            reason = said if said and isinstance(error, BargeinError) else f"{kind}: {said}"
            for secret in secret_texts(self.arguments, self.shown):
                reason = reason.replace(secret, MASK)
            reason = without_credentials(reason.removesuffix(": "))
            message = f"{self.name}: {self.use!r} could not be made: {reason}"
            raise ConfigError(message, place=self.place) from error


@dataclass(frozen=True, slots=True)
class SeveralParts(Part):
    """Parts of one kind of which one works: `use` is a list."""

    members: tuple[Part, ...] = ()

    def build(self) -> Any:
        """Construct all of them, and what holds them."""
        several: Failover = Part.build(self)
        several.hold([part.build() for part in self.members], [part.use for part in self.members])
        return several

    @property
    def single(self) -> tuple[Part, ...]:
        """All of them."""
        return self.members

    @property
    def described(self) -> Mapping[str, Data]:
        """The parts, and what is set of the list itself."""
        return {"use": [dict(part.described) for part in self.members], **self.shown}


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
    effective: Mapping[str, Data]
    """Plain data after variables, overlays and settings, defaults filled in, secrets masked."""
    digest: str
    """SHA-256 of `effective` without the ledger as canonical JSON, in hex."""

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
    reader = _PartReader(registry, path.parent, found)
    transport = reader.transport(table.get("transport"))
    parts = reader.pipeline(table.get("pipeline"))
    ledger = locate(top.ledger, table.get("ledger"), found) if top else None
    if found:
        raise InvalidConfigError(found)
    assert top is not None
    assert transport is not None
    effective: dict[str, Data] = {
        "name": masked("name", top.name, table.get("name")),
        "greeting": masked("greeting", top.greeting, table.get("greeting")),
        "endpointing": top.endpointing.model_dump(),
        "ledger": shown(ledger, path.parent),
        "transport": dict(transport.described),
        "pipeline": [dict(part.described) for part in parts],
    }
    decisive = {key: value for key, value in effective.items() if key != "ledger"}
    canonical = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
    return Config(
        name=top.name,
        path=path,
        transport=transport,
        parts=parts,
        greeting=top.greeting,
        endpointing=top.endpointing,
        ledger=ledger,
        effective=effective,
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
    )


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


class _PartReader:
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
