"""The adapters of Pipecat tell an LLM of our tools' schemas without losing a word that matters."""

from __future__ import annotations

from typing import Any

import pytest
from pipecat.adapters.llm.services.anthropic_adapter import AnthropicLLMAdapter
from pipecat.adapters.llm.services.open_ai_adapter import OpenAILLMAdapter
from pipecat.adapters.llm.services.open_ai_responses_adapter import OpenAIResponsesLLMAdapter

from bargein.processors.advertised import advertised
from bargein.processors.anthropic_llm import AnthropicLLM, WholeSchemas
from bargein.tools.schema import Schema
from bargein.tools.tool import PythonHandler, Tool

SIZE = {"type": "object", "properties": {"cups": {"type": "integer", "maximum": 9}}}
ARGUMENTS = {
    "type": "object",
    "properties": {
        "size": {"$ref": "#/$defs/Size", "description": "How much."},
        "name": {"type": "string", "x-private": True},
    },
    "required": ["size"],
    "$defs": {"Size": SIZE},
}
TOLD = {
    "type": "object",
    "properties": {
        "size": {**SIZE, "additionalProperties": False, "description": "How much."},
        "name": {"type": "string"},
    },
    "required": ["size"],
    "additionalProperties": False,
}
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"tree": {"$ref": "#/$defs/Tree"}},
    "required": ["tree"],
    "$defs": {
        "Tree": {
            "type": "object",
            "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
        }
    },
}
OPENAI = (OpenAILLMAdapter, lambda told: told["function"]["parameters"])
RESPONSES = (OpenAIResponsesLLMAdapter, lambda told: told["parameters"])
OURS = (WholeSchemas, lambda told: told["input_schema"])


def order(arguments: dict[str, Any]) -> Tool:
    handler = PythonHandler("shop", "order")
    return Tool("order", "Orders.", Schema.of_arguments(arguments), handler)


def told_by(adapter: Any, arguments: dict[str, Any]) -> Any:
    (told,) = adapter().to_provider_tools_format(advertised([order(arguments)]))
    return told


@pytest.mark.parametrize(("adapter", "schema_in"), [OPENAI, RESPONSES, OURS])
def test_an_llm_is_told_the_whole_schema(adapter: Any, schema_in: Any) -> None:
    assert schema_in(told_by(adapter, ARGUMENTS)) == TOLD


def test_an_adapter_that_keeps_two_keys_loses_no_definition() -> None:
    """When this fails, Pipecat tells more of a schema: take `WholeSchemas` out."""
    told = told_by(AnthropicLLMAdapter, ARGUMENTS)["input_schema"]
    assert told == {key: TOLD[key] for key in ("type", "properties", "required")}


@pytest.mark.parametrize(("adapter", "schema_in"), [OPENAI, RESPONSES, OURS])
def test_a_definition_that_refers_to_itself_is_told_as_it_is(adapter: Any, schema_in: Any) -> None:
    told = schema_in(told_by(adapter, TREE))
    assert "Tree" in told["$defs"]
    assert told["properties"]["tree"]["$ref"] == "#/$defs/Tree"


def test_our_part_tells_it_so() -> None:
    assert AnthropicLLM.adapter_class is WholeSchemas
