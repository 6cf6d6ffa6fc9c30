"""Prints the protocol from its models: the JSON Schema of both directions, and a page to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic.json_schema import models_json_schema

from bargein.packet import HEADER_BYTES, MAX_PACKET_BYTES, Flag, Kind
from bargein.protocol import VERSION, ClientMessage, Message, ServerMessage
from bargein.protocol_rules import INTRODUCTION, PACKETS, RULES

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = tuple(Message.model_fields)
HEADER_FIELDS = (
    (
        "kind",
        1,
        f"{Kind.BOT:d} the bot's voice, {Kind.MICROPHONE:d} the microphone, "
        f"{Kind.MISSING:d} asks for what is missing",
    ),
    ("flags", 1, f"{Flag.LAST:d} LAST: the utterance ends with this packet"),
    ("reserved", 2, "0"),
    ("epoch", 4, "the sender's epoch"),
    ("utterance", 4, "number of the bot's utterance; 0 on the way up"),
    ("start_sample", 8, "where the first sample of this packet stands"),
)
"""Name, bytes and meaning; all unsigned, little-endian."""
POWERS = {2**bits - 1: f"2^{bits} - 1" for bits in (32, 53)}


def protocol_schema() -> Schema:
    """Give the JSON Schema (2020-12) that every message of either side matches."""
    sides = {"ClientMessage": get_args(ClientMessage), "ServerMessage": get_args(ServerMessage)}
    models = [model for side in sides.values() for model in side]
    _, schema = models_json_schema([(model, "validation") for model in models])
    definitions: Schema = schema["$defs"]
    for model in models:
        # A default in the model, but on the wire it is what tells messages apart.
        definitions[model.__name__].setdefault("required", []).insert(0, "type")
    for name, side in sides.items():
        definitions[name] = {"oneOf": [_reference(model.__name__) for model in side]}
    return {
        "$schema": DIALECT,
        "title": f"Messages of bargein/{VERSION}",
        "oneOf": [_reference(name) for name in sides],
        "$defs": definitions,
    }


def protocol_markdown() -> str:
    """Give `docs/protocol.md`."""
    definitions: Schema = protocol_schema()["$defs"]
    return "\n".join(
        [
            f"# The protocol `bargein/{VERSION}`",
            "",
            "<!-- Printed from src/bargein/protocol.py by `bargein docs docs`. -->",
            "",
            INTRODUCTION,
            "Every message has a `type`, and besides:",
            "",
            *_table(get_args(ClientMessage)[0].__name__, definitions, ENVELOPE),
            "",
            "The same as JSON Schema: [protocol.schema.json](protocol.schema.json). Who has the",
            "floor, and what changes it: [floor.md](floor.md).",
            "",
            "## Audio packets",
            "",
            *_header_table(),
            "",
            f"A packet has a header of {HEADER_BYTES} bytes and at most {MAX_PACKET_BYTES:,} bytes"
            " in all.",
            PACKETS,
            RULES,
            "## Messages of the client",
            "",
            *_messages(ClientMessage, definitions),
            "## Messages of the server",
            "",
            *_messages(ServerMessage, definitions),
            "## Parts of messages",
            "",
            *_parts(definitions),
        ]
    )


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _header_table() -> Iterator[str]:
    yield "| bytes | field | type | meaning |"
    yield "|---|---|---|---|"
    at = 0
    for name, size, meaning in HEADER_FIELDS:
        yield f"| {at}-{at + size - 1} | `{name}` | u{8 * size} | {meaning} |"
        at += size


def _messages(side: Any, definitions: Schema) -> Iterator[str]:
    for model in get_args(side):
        definition = definitions[model.__name__]
        names = [name for name in definition["properties"] if name not in (*ENVELOPE, "type")]
        title = definition["properties"]["type"]["const"]
        yield from _section(title, model.__name__, definitions, names)


def _parts(definitions: Schema) -> Iterator[str]:
    messages = {model.__name__ for model in (*get_args(ClientMessage), *get_args(ServerMessage))}
    for name, definition in definitions.items():
        if "properties" in definition and name not in messages:
            yield from _section(name, name, definitions, list(definition["properties"]))
        elif "enum" in definition:
            values = ", ".join(f"`{value}`" for value in definition["enum"])
            yield from (f"### `{name}`", "", definition["description"], "", f"One of {values}.", "")


def _section(title: str, model: str, definitions: Schema, names: list[str]) -> Iterator[str]:
    yield from (f"### `{title}`", "", definitions[model]["description"], "")
    if names:
        yield from (*_table(model, definitions, names), "")


def _table(model: str, definitions: Schema, names: Iterable[str]) -> Iterator[str]:
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    definition = definitions[model]
    for name in names:
        field = definition["properties"][name]
        default = "required" if name in definition.get("required", ()) else _default(field)
        # A field that is described in the words of its type is left without its own.
        meaning = field.get("description") or definitions[_referred(field)]["description"]
        yield f"| `{name}` | {_type(field)} | {default} | {meaning} |"


def _default(field: Schema) -> str:
    default = field.get("default", "")
    if default is None or isinstance(default, dict | list):
        return "none" if not default else "its defaults"
    return f"`{str(default).lower() if isinstance(default, bool) else repr(default)}`"


def _type(field: Schema) -> str:
    if "const" in field:
        return f"`{field['const']!r}`"
    if "$ref" in field:
        return f"`{_referred(field)}`"
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    kind: str = field["type"]
    if "maxLength" in field:
        return f"{kind}, at most {field['maxLength']:,} characters"
    if "minimum" in field and "maximum" in field:
        return f"{kind}, {_number(field['minimum'])} to {_number(field['maximum'])}"
    return kind


def _number(value: float) -> str:
    return POWERS.get(value, f"{value:,}") if isinstance(value, int) else f"{value:,}"


def _referred(field: Schema) -> str:
    name: str = field["$ref"].rpartition("/")[2]
    return name
