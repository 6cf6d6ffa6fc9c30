"""Schemas: objects are closed, violations tell no values, marks keep values out of records."""

from __future__ import annotations

from typing import Any

import pytest

from bargein.tools.keywords import MASK
from bargein.tools.schema import InvalidSchemaError, Schema

CITY = {"city": {"type": "string", "maxLength": 5}}


def of(schema: dict[str, Any]) -> Schema:
    return Schema.parse(schema)


def broken(schema: Schema, value: Any) -> list[tuple[str, str]]:
    return [(each.at, each.rule) for each in schema.violations(value)]


def test_names_with_schemas_are_short_for_an_object_that_needs_them_all() -> None:
    schema = Schema.of_arguments({**CITY, "days": {"type": "integer", "default": 1}})
    assert broken(schema, {"city": "Graz"}) == []
    assert broken(schema, {}) == [("", "required")]
    assert broken(schema, {"city": "Graz", "days": "2"}) == [("/days", "type")]


def test_a_property_may_be_called_type() -> None:
    schema = Schema.of_arguments({"type": {"type": "string"}})
    assert broken(schema, {"type": "tea"}) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": CITY}, {"x": 1}),
        ({"type": "object"}, {"x": 1}),
        ({}, {"x": 1}),
        ({"type": "array", "items": {"type": "object", "properties": CITY}}, [{"x": 1}]),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, {"a": {"x": 1}}),
        ({"allOf": [{"type": "object", "properties": CITY}]}, {"x": 1}),
        (
            {"$defs": {"p": {"type": "object", "properties": CITY}}, "$ref": "#/$defs/p"},
            {"x": 1},
        ),
        (
            {"type": "object", "properties": CITY, "anyOf": [{"properties": {"b": True}}]},
            {"x": 1},
        ),
        ({"type": "array", "prefixItems": [{"type": "object"}]}, [{"x": 1}]),
    ],
)
def test_an_object_takes_no_key_beyond_those_it_names(schema: dict[str, Any], value: Any) -> None:
    assert of(schema).violations(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "additionalProperties": True}, {"x": 1}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"x": 1}),
        (
            {"allOf": [{"properties": CITY}, {"properties": {"b": {"type": "integer"}}}]},
            {"city": "Graz", "b": 1},
        ),
        (
            {"$defs": {"p": {"properties": CITY}}, "$ref": "#/$defs/p", "properties": {"b": True}},
            {"city": "Graz", "b": 1},
        ),
        ({"type": "object", "patternProperties": {"^x-": {"type": "string"}}}, {"x-a": "b"}),
    ],
)
def test_what_is_opened_on_purpose_or_laid_together_stays_so(
    schema: dict[str, Any], value: Any
) -> None:
    assert of(schema).violations(value) == ()


def test_a_schema_that_holds_itself_is_closed_at_every_depth() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    schema = of({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    assert schema.violations({"next": {"next": {}}}) == ()
    assert schema.violations({"next": {"next": {"x": 1}}})


@pytest.mark.parametrize("value", [True, "1", 1.5, None, [1], {"a": 1}])
def test_only_an_integer_is_an_integer(value: Any) -> None:
    assert broken(of({"type": "integer"}), value) == [("", "type")]


def test_a_violation_names_place_and_rule_and_never_the_value() -> None:
    schema = Schema.of_arguments(
        {
            "card": {"type": "string", "pattern": "^[0-9]{4}$"},
            "size": {"enum": ["small", "large"]},
            "count": {"type": "integer", "maximum": 9},
        }
    )
    found = schema.violations({"card": "hunter2", "size": "hunter2", "count": 77, "hunter": 1})
    told = " ".join(f"{each.at} {each.message}" for each in found)
    assert "hunter2" not in told
    assert "77" not in told
    assert '"small"' in told
    assert "/card breaks pattern" in told
    assert "'hunter'; it takes 'card', 'size', 'count'" in told


def test_no_more_is_told_than_helps() -> None:
    schema = of({"type": "array", "items": {"type": "string"}})
    assert len(schema.violations([1] * 500)) == 8


def test_of_several_forms_the_one_that_was_meant_is_told() -> None:
    forms = [
        {"properties": {"kind": {"const": kind}, "n": {"type": "integer"}}, "required": ["n"]}
        for kind in ("a", "b")
    ]
    schema = of({"type": "object", "oneOf": forms})
    assert broken(schema, {"kind": "a", "n": "one"}) == [("/n", "type")]
    assert broken(schema, {"kind": "c", "n": 1}) == [("", "oneOf")]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "strin"}, "at /type"),
        ({"$ref": "https://example.com/a.json"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "at /properties/a"),
        ({"$dynamicRef": "#a"}, "not in this schema"),
        ({"type": "string", "pattern": "("}, "pattern"),
    ],
)
def test_a_schema_that_cannot_work_says_where(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSchemaError, match=said):
        of(schema)


def test_arguments_are_an_object() -> None:
    with pytest.raises(InvalidSchemaError, match="arguments are an object"):
        Schema.of_arguments({"type": "string"})


PATIENT = Schema.parse(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "x-private": True},
            "key": {"type": "string", "x-secret": True},
            "visits": {"type": "array", "items": {"$ref": "#/$defs/visit"}},
            "open": {"type": "object", "additionalProperties": True},
        },
        "$defs": {
            "visit": {
                "type": "object",
                "properties": {"day": {"type": "string"}, "why": {"x-private": True}},
            }
        },
    }
)
VISIT = {"name": "Ann", "key": "k", "visits": [{"day": "Mo", "why": "cough"}], "open": {"a": 1}}


def test_records_keep_neither_what_is_private_nor_what_is_secret() -> None:
    assert PATIENT.kept(VISIT) == {
        "name": MASK,
        "key": MASK,
        "visits": [{"day": "Mo", "why": MASK}],
        "open": {"a": 1},
    }


def test_the_llm_is_told_all_but_what_is_secret() -> None:
    assert PATIENT.told(VISIT) == {**VISIT, "key": MASK}


def test_records_keep_nothing_that_the_schema_does_not_describe() -> None:
    assert PATIENT.kept({"ssn": "123", "visits": [{"x": {"y": "secret"}}]}) == {
        "ssn": MASK,
        "visits": [{"x": MASK}],
    }


def test_a_mark_counts_in_any_branch() -> None:
    schema = of({"anyOf": [{"type": "string", "x-private": True}, {"type": "integer"}]})
    assert schema.kept(3) == MASK


ENDLESS: dict[str, dict[str, Any]] = {
    "itself": {"a": {"$ref": "#/$defs/a"}},
    "each other": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}},
    "what it is not": {"a": {"not": {"$ref": "#/$defs/a"}}},
    "a condition": {"a": {"if": {"$ref": "#/$defs/a"}, "then": {"type": "string"}}},
    "many others": {
        **{("a" if n == 0 else f"d{n}"): {"$ref": f"#/$defs/d{n + 1}"} for n in range(60)},
        "d60": {"type": "string"},
    },
}


@pytest.mark.parametrize("definitions", ENDLESS.values(), ids=ENDLESS)
def test_a_schema_that_never_comes_to_an_end_is_refused(definitions: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": definitions}
    with pytest.raises(InvalidSchemaError, match="refers to itself"):
        Schema.parse(schema)


def test_a_schema_that_refers_to_itself_one_step_further_in_is_fine() -> None:
    tree = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#"}}}}
    schema = Schema.parse(tree)
    assert not schema.violations({"below": [{"below": []}, {}]})
    assert schema.violations({"below": [{"below": 3}]})
