"""What is printed of the protocol is true: the schema takes what the models take."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema
import pytest

from bargein.floor import Floor
from bargein.packet import HEADER_BYTES
from bargein.protocol import ClientMessage, Codec, Message, ServerMessage, State, Truncate
from bargein.protocol_docs import HEADER_FIELDS, protocol_markdown, protocol_schema

SCHEMA = protocol_schema()
VALID: list[Message] = [
    Truncate(utterance=1, played_samples=5, probability=0.5),
    State(state=Floor.SPEAKING),
]


def check(value: Any) -> None:
    """Hold a value against the schema, which itself is held against its dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(value)


@pytest.mark.parametrize("message", VALID, ids=lambda m: type(m).__name__)
def test_what_we_write_matches_the_schema(message: Message) -> None:
    check(json.loads(Codec.write(message)))


def test_a_field_that_is_not_known_yet_matches_too() -> None:
    check({"type": "bargein/ping", "mood": "cross"})


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"v": 1},
        {"type": "bargein/nonsense"},
        {"type": "bargein/truncate", "utterance": 1},
        {"type": "bargein/truncate", "utterance": -1, "played_samples": 0},
        {"type": "bargein/state", "state": "asleep"},
        {"type": "bargein/ping", "v": 2},
    ],
)
def test_what_the_models_refuse_the_schema_refuses(value: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(value)


def test_the_page_names_every_message_and_every_field() -> None:
    page = protocol_markdown()
    for model in (*get_args(ClientMessage), *get_args(ServerMessage)):
        assert f"### `{model.model_fields['type'].default}`" in page
        assert all(f"`{name}`" in page for name in model.model_fields if name != "type")


def test_the_header_that_is_printed_is_as_long_as_the_real_one() -> None:
    assert sum(size for _, size, _ in HEADER_FIELDS) == HEADER_BYTES
