"""An object takes no keys beyond those its schema names, unless it is opened on purpose."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from bargein.tools.keywords import BRANCHES, CONDITIONS, IN_PLACE, ITEMS, OPENED, WITHIN, Json


def whole(written: Mapping[str, Json]) -> dict[str, Json]:
    """Give the whole schema of arguments; names with a schema each are short for one.

    They are its properties then, all required but those with a `default`.
    """
    is_whole = isinstance(written.get("type"), (str, list)) or "$ref" in written
    if is_whole or not all(isinstance(each, Mapping) for each in written.values()):
        return copy.deepcopy(dict(written))
    required = [name for name, each in written.items() if "default" not in each]
    properties = copy.deepcopy(dict(written))
    return {"type": "object", "properties": properties, "required": required}


def closed(schema: Json) -> Any:
    """Close what a schema describes, which is the whole description of a value."""
    if not isinstance(schema, Mapping):
        return schema
    inside = _closed_inside(schema)
    if not any(key in inside for key in OPENED) and _may_be_object(inside):
        again = any(key in inside for key in IN_PLACE)
        inside["unevaluatedProperties" if again else "additionalProperties"] = False
    return inside


def _may_be_object(schema: Mapping[str, Json]) -> bool:
    kind = schema.get("type")
    return kind is None or "object" in ([kind] if isinstance(kind, str) else kind)


def _closed_inside(schema: Json) -> Any:
    """Close the values within; the value itself is described by other schemas, too."""
    if not isinstance(schema, Mapping):
        return schema
    result = dict(schema)
    for key in WITHIN:
        if key in result:
            result[key] = {name: closed(each) for name, each in result[key].items()}
    for key in ITEMS:
        if key in result:
            result[key] = closed(result[key])
    if "prefixItems" in result:
        result["prefixItems"] = [closed(each) for each in result["prefixItems"]]
    for key in ("$defs", "dependentSchemas"):
        if key in result:
            result[key] = {name: _closed_inside(each) for name, each in result[key].items()}
    for key in BRANCHES:
        if key in result:
            result[key] = [_closed_inside(each) for each in result[key]]
    for key in CONDITIONS:
        if key in result:
            result[key] = _closed_inside(result[key])
    return result
