"""The JSON Schema (2020-12) of a scenario, printed from its model."""

from __future__ import annotations

from typing import Any

from bargein.rehearsal.moments import What
from bargein.rehearsal.scenario import Scenario
from bargein.rehearsal.wanted import EVENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Describe a whole file."""
    schema = Scenario.model_json_schema(by_alias=True)
    expected = schema["$defs"]["Expected"]
    expected |= {"minProperties": 1, "maxProperties": 1}
    for key, field in expected["properties"].items():
        # What is not written is null in the model; nobody writes it.
        kinds = [each for each in field.pop("anyOf") if each != {"type": "null"}]
        field.pop("default", None)
        if key in EVENTS and key != What.FLOOR:
            kinds.append({"type": "null"})
        field |= {"anyOf": kinds}
    bare = [str(what) for what in EVENTS if what is not What.FLOOR]
    schema["properties"]["expect"]["items"] = {
        "anyOf": [{"$ref": "#/$defs/Expected"}, {"enum": bare}]
    }
    return {"$schema": DIALECT, **schema, "title": "A scenario for bargein rehearse"}
