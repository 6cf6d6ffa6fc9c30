"""What an MCP server offers becomes a tool: its words are taken once, and bounded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bargein.tools.keywords import Json
from bargein.tools.mcp import McpServer, McpTool
from bargein.tools.question import question_problem
from bargein.tools.schema import InvalidSchemaError, Schema
from bargein.tools.size import Bounds, too_large
from bargein.tools.telling import in_place
from bargein.tools.tool import McpHandler, Tool

MAX_DESCRIPTION_CHARACTERS = 4_000
SCHEMA_BOUNDS = Bounds(bytes=32_768, depth=24, values=4_000)
COSTLY = ("pattern", "patternProperties", "propertyNames")
"""A pattern of somebody else's could keep the bot busy for minutes; the server checks its own."""

ASTRAY = "to itself, to too much, or to what is not in its own $defs"


class UnusableOfferError(ValueError):
    """The text says why the bot can't use a server's tool."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool in a server's own words."""

    tool: str
    description: str
    arguments: Mapping[str, Json]
    result: Mapping[str, Json] | None = None

    @property
    def digest(self) -> str:
        """Tell these words from any others."""
        words = [self.tool, self.description, self.arguments, self.result]
        canonical = json.dumps(words, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def tool_of(server: McpServer, declared: McpTool, offer: Offer) -> Tool:
    """Make a tool of an offer and of what the configuration sets; raises UnusableOfferError."""
    arguments = _arguments(offer.arguments)
    if problem := question_problem(declared.question, declared.confirm, arguments):
        raise UnusableOfferError(problem)
    description = declared.description or offer.description
    if not description.strip():
        raise UnusableOfferError("it has no description; write one beside `tool`")
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise UnusableOfferError(f"its description is over {MAX_DESCRIPTION_CHARACTERS} characters")
    return Tool(
        name=declared.name,
        description=description,
        arguments=arguments,
        handler=McpHandler(server.name, declared.tool),
        result=declared.result or _result(offer.result),
        timeout_ms=declared.timeout_ms,
        rate=declared.rate,
        cost=declared.cost,
        confirm=declared.confirm,
        question=declared.question,
        on_interruption=declared.on_interruption,
        permissions=server.permissions,
        max_result_bytes=declared.max_result_bytes,
    )


def _arguments(offered: Mapping[str, Json]) -> Schema:
    try:
        return Schema.of_arguments(_bounded(offered, "arguments"))
    except InvalidSchemaError as error:
        raise UnusableOfferError(f"the schema of its arguments: {error}") from error


def _result(offered: Mapping[str, Json] | None) -> Schema | None:
    if offered is None:
        return None
    try:
        return Schema.parse(_bounded(offered, "result"))
    except InvalidSchemaError as error:
        raise UnusableOfferError(f"the schema of its result: {error}") from error


def _bounded(offered: Mapping[str, Json], what: str) -> dict[str, Json]:
    if wrong := too_large(dict(offered), SCHEMA_BOUNDS):
        raise UnusableOfferError(f"the schema of its {what} {wrong}")
    schema = in_place(_without_patterns(dict(offered)))
    if schema is None:
        raise UnusableOfferError(f"the schema of its {what} refers {ASTRAY}")
    return schema


def _without_patterns(value: Json, *, names: bool = False) -> Any:
    """Leave out patterns; in a mapping of names to schemas a name may be `pattern`."""
    if isinstance(value, list):
        return [_without_patterns(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without_patterns(each, names=key in ("properties", "$defs") and not names)
        for key, each in value.items()
        if names or key not in COSTLY
    }
