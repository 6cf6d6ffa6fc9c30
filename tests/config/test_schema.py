"""The schema accepts what loads, and the reference is printed from it.

To print it again: `bargein docs docs`.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from bargein.config.structure import Role
from bargein.pipelines.registry import BUILT_INS, BuiltIn, Registry
from bargein.pipelines.schema import configuration_markdown, json_schema

ROOT = Path(__file__).resolve().parents[2]
OURS = "bargein_parts_for_tests"
REGISTRY = Registry(
    parts={
        "silero_vad": BuiltIn(f"{OURS}:Vad", Role.VAD),
        "some_stt": BuiltIn(f"{OURS}:Stt", Role.STT),
        "scripted_llm": BuiltIn(f"{OURS}:Llm", Role.LLM),
        "wrapper": BuiltIn(f"{OURS}:Wrapper", Role.PROCESSOR),
        "absent_stt": BuiltIn("a_module_that_needs_more:Stt", Role.STT, "embedded"),
    },
    transports={"local": BuiltIn(f"{OURS}:Room", Role.TRANSPORT)},
)


def is_valid(text: str, registry: Registry = REGISTRY) -> bool:
    """Hold a YAML text against the schema."""
    schema = json_schema(registry)
    Draft202012Validator.check_schema(schema)
    data: Any = YAML(typ="safe", pure=True).load(StringIO(text))
    return bool(Draft202012Validator(schema).is_valid(data))


def bot(item: str) -> str:
    """Return a file with one part."""
    return f"name: a\ntransport: local\npipeline:\n  - {item}\n"


@pytest.mark.parametrize(
    "text",
    [
        bot("silero_vad"),
        bot("{use: silero_vad, probability_threshold: 0.5}"),
        bot('{use: silero_vad, probability_threshold: "${P:-0.5}"}'),
        bot("{use: scripted_llm, script: a.yaml, style: {warmth: 3}}"),
        bot("{use: './a.py:B', anything: [1]}"),
        bot("{use: [some_stt, {use: some_stt, mode: fast}], silent_ms: 900}"),
        bot("./a.py:B"),
        bot("{use: absent_stt, anything: 1}"),
        bot("{use: wrapper, name: a}"),
        bot("silero_vad").replace("local", "{use: local, port: 80}"),
        bot("silero_vad") + "endpointing: {silence_ms: 500}\ngreeting: Hi\n",
        bot("silero_vad") + "tools: [a.yaml, './a.py:b', {use: './a.py:b', rate: 1/s}]\n",
        bot("silero_vad") + "tools: [{name: a, description: b, handler: './a.py:b'}]\n",
        bot("silero_vad") + "tools: [{mcp: {url: 'http://a', tools: [b, {tool: c}]}}]\n",
        "extends: a.yaml\ntools: [{name: a, rate: 1/s}]\n",
        "extends: a.yaml\n",
        "extends: a.yaml\npipeline: [{use: scripted_llm, rate: 2}]\n",
    ],
)
def test_what_may_load_is_valid(text: str) -> None:
    assert is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        bot("silero_vda"),
        bot("{use: silero_vad, probability_threshold: 1.5}"),
        bot("{use: silero_vad, probability_threshold: '0.5'}"),
        bot("{use: silero_vad, treshold: 0.5}"),
        bot("{use: scripted_llm}"),
        bot("scripted_llm"),
        bot("{use: scripted_llm, script: a.yaml, style: {warmth: 30}}"),
        bot("{use: wrapper, clock: 3}"),
        bot("silero_vad").replace("local", "{use: local, port: 0}"),
        bot("silero_vad") + "nam: a\n",
        bot("silero_vad") + "endpointing: {silence_ms: 5}\n",
        bot("silero_vad") + "tools: [weather]\n",
        bot("silero_vad") + "tools: [{name: a, rate: 1/s}]\n",
        bot("silero_vad") + "tools: [{mcp: {url: 'http://a'}}]\n",
        bot("silero_vad") + "tool_rules: {sandbox: always}\n",
        "name: a\n",
        "name: a\ntransport: local\npipeline: []\n",
    ],
)
def test_a_mistake_is_not_valid(text: str) -> None:
    assert not is_valid(text)


def test_the_default_of_a_secret_is_masked() -> None:
    assert '"none"' not in configuration_markdown(REGISTRY)


def test_every_key_of_a_part_is_in_the_reference() -> None:
    text = configuration_markdown(REGISTRY)
    assert (
        "| `probability_threshold` | number, at least 0, at most 1 | `0.65` "
        "| How sure the model must be. |"
    ) in text
    assert "| `script` | path | required | What the bot answers. |" in text
    assert "| `warmth` | whole number, at least 0, at most 10 | `5` |" in text


def test_the_reference_on_disk_is_in_step() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == configuration_markdown(BUILT_INS)
