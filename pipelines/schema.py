"""The JSON Schema (2020-12) of a configuration, and the reference that is printed from it.

Both come from the models that the loader checks with, so they can't say anything else.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from bargein.config.masking import MASK, is_secret
from bargein.config.model import ConfigFile
from bargein.pipelines.parameters import parameter_model
from bargein.pipelines.reference import Schema, to_markdown
from bargein.pipelines.registry import BUILT_INS, BuiltIn, Registry
from bargein.pipelines.tools_schema import ITEM, tools_definitions

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
_PATH_TO_CLASS: Schema = {"type": "string", "pattern": r":|\$\{"}


def json_schema(registry: Registry = BUILT_INS) -> Schema:
    """Describe a whole file; importing the built-in classes is what takes its time.

    A file that extends another may leave out what that one says. A part whose packages are not
    installed is described by its name alone.
    """
    top, definitions = _describe(ConfigFile, "file")
    properties = dict(top["properties"])
    for key in ("transport", "pipeline", "tools"):  # what stands in them depends on `extends`
        properties[key] = {"description": properties[key]["description"]}
    for kind, known in (("transport", registry.transports), ("part", registry.parts)):
        options = _parts(kind, known, definitions)
        definitions[kind] = _choice(known, options, is_complete=True)
        definitions[f"{kind}_over"] = _choice(known, options, is_complete=False)
    definitions |= tools_definitions(_describe)
    definitions["part"]["oneOf"].append(_several("part"))
    definitions["part_over"]["oneOf"].append(_several("part_over"))
    return {
        "$schema": DIALECT,
        "title": "A bargein configuration",
        "type": "object",
        "properties": {
            "extends": {"type": "string", "description": "A file that this one is laid over."},
            **properties,
        },
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"properties": _flow("_over")},
        "else": {"properties": _flow(""), "required": top["required"]},
        "$defs": definitions,
    }


def configuration_markdown(registry: Registry = BUILT_INS) -> str:
    """Print docs/configuration.md; parts that have a page of their own are left to that.

    Their packages may be absent, and the page must be the same everywhere.
    """
    parts = {name: part for name, part in registry.parts.items() if part.page is None}
    return to_markdown(json_schema(Registry(parts, registry.transports)))


class _Generator(GenerateJsonSchema):
    """Leaves out what JSON can't say instead of warning, and titles that only repeat the key."""

    ignored_warning_kinds: ClassVar[set[JsonSchemaWarningKind]] = {  # type: ignore[misc]
        "skipped-choice",
        "non-serializable-default",
    }

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give fields no titles."""
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        """Describe a Python object as something that no value is."""
        return {"not": {}}


def _flow(suffix: str) -> Schema:
    """Say what transport, pipeline and tools hold."""
    items = {"$ref": f"#/$defs/part{suffix}"}
    return {
        "transport": {"$ref": f"#/$defs/transport{suffix}"},
        "pipeline": {"type": "array", "minItems": 1, "items": items},
        "tools": {"type": "array", "items": {"$ref": f"#/$defs/{ITEM}{suffix}"}},
    }


def _describe(model: type[BaseModel], prefix: str) -> tuple[Schema, Schema]:
    """Return a model's schema and its definitions; the prefix keeps models of one name apart."""
    schema: Schema = model.model_json_schema(
        schema_generator=_Generator, ref_template=f"#/$defs/{prefix}.{{model}}"
    )
    inner = schema.pop("$defs", {})
    definitions = {f"{prefix}.{name}": _allow_variables(value) for name, value in inner.items()}
    return _allow_variables(schema), definitions


def _parts(kind: str, known: Mapping[str, BuiltIn], definitions: Schema) -> dict[str, Schema]:
    """Describe the keys of each built-in, by its name."""
    return {name: _part(f"{kind}.{name}", name, known[name], definitions) for name in known}


def _part(prefix: str, name: str, built_in: BuiltIn, definitions: Schema) -> Schema:
    use = {"use": {"const": name}}
    module_name, _, class_name = built_in.import_path.partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except ImportError:
        needs = f"bargein[{built_in.extra}]" if built_in.extra else built_in.import_path
        hint = f"Its keys are known once {needs} is installed."
        return {"type": "object", "title": name, "description": hint, "properties": use}
    schema, inner = _describe(parameter_model(cls), prefix)
    definitions.update(inner)
    return {
        "type": "object",
        "title": name,
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "properties": {**use, **schema.get("properties", {})},
        "required": ["use", *schema.get("required", [])],
        "additionalProperties": False,
    }


def _several(part: str) -> Schema:
    """Describe a list of parts of which one works."""
    from bargein.processors.failover import Failover

    schema, _ = _describe(parameter_model(Failover), "several")
    uses = {"type": "array", "minItems": 2, "items": {"$ref": f"#/$defs/{part}"}}
    return {
        "type": "object",
        "title": "A list",
        "description": "`use: [first, second]`: recognisers, LLMs or voices, of which the first "
        "is used, and the next one where it fails; see [failover.md](failover.md).",
        "properties": {"use": uses, **schema["properties"]},
        "required": ["use"],
        "additionalProperties": False,
    }


def _choice(
    known: Mapping[str, BuiltIn], options: Mapping[str, Schema], *, is_complete: bool
) -> Schema:
    """Offer each built-in with its keys or as a bare name, and any path to a class."""
    bare = [name for name in known if not is_complete or options[name].get("required") == ["use"]]
    own = {
        "type": "object",
        "description": "A class of your own or of Pipecat's: package.module:Class, or "
        "./file.py:Class. Its keys are its constructor's arguments.",
        "properties": {"use": _PATH_TO_CLASS},
        "required": ["use"],
    }
    named = [
        option if is_complete else {**option, "required": ["use"]} for option in options.values()
    ]
    return {"oneOf": [{"enum": bare}, _PATH_TO_CLASS, *named, own]}


def _allow_variables(schema: Schema) -> Schema:
    """Let each property of an object be written as a variable, too; hide secret defaults."""
    if "properties" not in schema:
        return schema
    properties = {key: _or_variable(key, value) for key, value in schema["properties"].items()}
    return {**schema, "properties": properties}


def _or_variable(key: str, schema: Schema) -> Schema:
    about: Schema = {name: schema[name] for name in ("description", "default") if name in schema}
    if "default" in about and is_secret(key, about["default"]):
        about["default"] = MASK
    rest = {name: value for name, value in schema.items() if name not in about}
    is_free_text = set(rest) <= {"type", "minLength", "maxLength"} and rest.get("type") == "string"
    if not rest or is_free_text:
        return {**rest, **about}
    choices = rest.pop("anyOf", [])
    return {**about, "anyOf": [*choices, *([rest] if rest else []), _VARIABLE]}
