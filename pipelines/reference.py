"""The configuration reference: prose, and tables printed from the JSON Schema."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

_PROSE = """\
# Configuration

<!-- Printed from the schema: `bargein docs docs`. -->

A configuration is one YAML 1.2 file. `bargein check FILE` says everything that is wrong with it,
each mistake with its file, line and column. It makes each part once, so that a script, a voice or a
key that is wrong is known before anybody talks. `bargein config FILE` prints what takes effect,
with secrets masked and a hash that is the same for the same settings, whatever their order and
comments.

```yaml
# yaml-language-server: $schema=bargein.schema.json
name: cafe
transport: {use: local, port: 7860}
pipeline:                                # top to bottom, as audio flows
  - interruption                         # a name alone takes all defaults
  - use: silero_vad
    probability_threshold: 0.65          # a key is a constructor argument: same name, same unit
  - pocketsphinx_stt
  - use: scripted_llm
    script: cafe.yaml                    # a path starts at the folder of this file
  - use: ./shout.py:Shout                # a class of your own
  - espeak_tts
  - played_audio
```

`bargein schema -o bargein.schema.json` writes the schema that the first line names; editors then
complete and check as you type.

YAML is read by the core schema of version 1.2: `no` and `on` are words, only `true` and `false` are
truth values. Anchors, aliases, merge keys and tags are refused: every value has one place.

## Order

`interruption` comes first, then a VAD, speech recognition, a language model, a voice, and
`played_audio` last; each exactly once. Two parts may be left out, and stand once at most:
`speculation` between recognition and the language model, `clauses` between that and the voice.
Processors of your own stand anywhere between the first and the last. Where recognition, language
model or voice is a list, the next one of it takes over where one fails: [failover.md](failover.md).
bargein itself adds the user's
context before the language model and the assistant's context after the output; `bargein graph FILE`
draws it all.

## Variables

| written | means |
|---|---|
| `${VAR}` | the environment's value; an error when it is not set |
| `${VAR:-default}` | the default when it is not set or empty |
| `${VAR:?message}` | an error with this message when it is not set or empty |
| `$${` | a plain `${` |

A variable may stand anywhere in a value, never in a key, and a default is plain text. A value that
is one variable is read like YAML where its key does not want text: `port: ${PORT}` is a number.
Inside brackets and braces put quotes around it: `{port: "${PORT}"}`.

What is secret is masked wherever it could be shown. It is known by its name: a key or a variable
that ends in `key`, or has `token`, `secret`, `password`, `credential` or `authorization` in it; and
by its type, pydantic's `SecretStr`. In a URL the user and password are masked, too, and those
parameters of the query that have such a name.

The key of a vendor never stands in the file: it comes from the environment. Bargein's own parts
look for it there; the classes of others are given it as `${VAR}` or `${VAR:?message}`. One that is
written out, in a default too, is an error.

## One file over another

```yaml
extends: local.yaml        # relative to this file; chains are allowed, circles are errors
pipeline:
  - use: silero_vad        # the part of local.yaml that has this name...
    probability_threshold: 0.8       # ...with one key changed
```

- Mappings merge key by key, and the upper file wins. A `transport` with another `use` replaces the
  lower one whole.
- When every item of the upper `pipeline` names a part of the lower one, each merges into that part,
  and the lower order stays. A name that stands twice is ambiguous, and an error. `tools` merges in
  the same way, by the name of a tool, or what `use` names.
- When any item names a part that the lower list does not have, the upper list replaces the lower
  one whole. To swap, add or move a part, write the list anew.
- Any other list, and any single value, is replaced; `null` is a value.

## One value from the command line

`--set pipeline.silero_vad.probability_threshold=0.7` wins over every file. A part is addressed by
its `use`, or by its index from 0 (`pipeline.1`); a tool by its name (`tools.weather.rate=1/min`),
also where it stands in a file of its own; of `./file.py:name` the name will do. The value is YAML
when it begins with a bracket or a quote, and one plain value otherwise; paths in it start at the
working directory.

## Models on this machine

`whisper_stt`, `moonshine_stt`, `piper_tts` and `kokoro_tts` have their keys in
[local_models.md](local_models.md).

## Classes of your own

`use: my_bot.processors:Shout` imports a module; the YAML's folder and the working directory are
looked in last. `use: ./shout.py:Shout` loads a file beside the YAML. The class derives from
Pipecat's `FrameProcessor`, or from one of its services: what it derives from tells its place.

Its keys are the arguments that its constructor names. Types and bounds are checked as they are
annotated (`Annotated[int, pydantic.Field(ge=0, description="...")]`), and a `Path` must exist.
Where a constructor takes `**kwargs`, the arguments that the class above it names are keys, too, and
`name` at the end of the row; nothing else is. Any service of Pipecat can be named this way, and its
`settings` are a mapping:

```yaml
  - use: pipecat.services.deepgram.stt:DeepgramSTTService
    api_key: ${DEEPGRAM_API_KEY}
    settings: {model: nova-3-general}
```

To name a class is to run its module: treat a configuration like a program.
"""

_TOOLS = """
## Tools

An item of `tools` is a tool, the path of a YAML file with one or a list of them, a function with
`@tool` (`./orders.py:place_order`, or `use:` with that and keys to set anew), or an MCP server's:
`mcp:` and its keys. [tools.md](tools.md) has an example of each.

Keys of a tool:
"""


def to_markdown(schema: Schema) -> str:
    """Print the whole reference; `schema` is what describes a configuration file."""
    definitions = schema["$defs"]
    complete = schema["else"]
    described = {
        key: {**value, **complete["properties"].get(key, {})}
        for key, value in schema["properties"].items()
    }
    top = {"properties": described, "required": complete["required"]}
    lines = [_PROSE, "## Keys of the file", "", *_table(top, definitions)]
    lines += [_TOOLS, *_table(definitions["tool"], definitions)]
    lines += ["", "Keys of `mcp`, an MCP server:", ""]
    lines += _table(definitions["tool_mcp"], definitions, with_inner=False)
    for heading, kind in (("Transports", "transport"), ("Parts", "part")):
        lines += ["", f"## {heading}"]
        for option in definitions[kind]["oneOf"]:
            if "title" in option:
                lines += ["", f"### {option['title']}", "", option["description"], ""]
                lines += _table(option, definitions)
    text = "\n".join(lines)
    return text.replace("\n\n\n", "\n\n").rstrip() + "\n"


def _table(schema: Schema, definitions: Schema, *, with_inner: bool = True) -> list[str]:
    """Print one row for each key of an object, and a table for each object in it."""
    properties = {key: value for key, value in schema["properties"].items() if key != "use"}
    if "additionalProperties" not in schema and not properties:
        return []
    if not properties:
        return ["It has no keys."]
    required = schema.get("required", [])
    rows = [
        f"| `{key}` | {_type(_resolved(value, definitions))} | {_default(key, value, required)} "
        f"| {_cell(value.get('description', ''))} |"
        for key, value in properties.items()
    ]
    inner = [
        f"\nKeys of `{key}`:\n\n" + "\n".join(_table(definitions[name], definitions))
        for key, value in properties.items()
        if with_inner and (name := _reference(value)) and "properties" in definitions[name]
    ]
    return ["| key | type | default | |", "|---|---|---|---|", *rows, *inner]


def _choices(schema: Schema) -> list[Schema]:
    """List what a value may be, without the variable that any value may be."""
    choices = schema.get("anyOf", [schema])
    return [choice for choice in choices if choice.get("pattern") != r"\$\{"]


def _reference(schema: Schema) -> str:
    names = [
        choice["$ref"].removeprefix("#/$defs/") for choice in _choices(schema) if "$ref" in choice
    ]
    return names[0] if names else ""


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Put in place of a reference to a row of words the words themselves."""
    name = _reference(schema)
    return definitions[name] if name and "enum" in definitions[name] else schema


def _type(schema: Schema) -> str:
    """Name a type and its bounds in words."""
    return " or ".join(dict.fromkeys(_one_type(choice) for choice in _choices(schema)))


def _one_type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "$ref" in schema or "properties" in schema:
        return "mapping"
    if "not" in schema:
        return "a Python object"
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if kind == "string":
        formats = {"path": "path", "file-path": "path", "password": "secret text"}
        return formats.get(schema.get("format", ""), "text")
    words = {
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "null": "null",
        "object": "mapping",
    }
    return words.get(str(kind), "anything") + _bounds(schema)


def _bounds(schema: Schema) -> str:
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    said = [f"{words} {schema[name]}" for name, words in bounds.items() if name in schema]
    return f", {', '.join(said)}" if said else ""


def _default(key: str, schema: Schema, required: list[str]) -> str:
    if key in required:
        return "required"
    if "default" not in schema:
        return ""
    return f"`{_cell(json.dumps(schema['default'], ensure_ascii=False))}`"


def _cell(text: str) -> str:
    """Keep text from ending its cell or its row."""
    return " ".join(text.replace("|", "\\|").split())
