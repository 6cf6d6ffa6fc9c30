"""The wire: each message comes back as it was, and whatever else is refused in words."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.errors import ProtocolError
from bargein.floor import Floor
from bargein.latency import Stage
from bargein.protocol import (
    MAX_MESSAGE_BYTES,
    PREFIX,
    Accepted,
    Capabilities,
    ClientMessage,
    Codec,
    Contested,
    Error,
    GoesOn,
    Goodbye,
    Hello,
    Ignored,
    Latency,
    Mark,
    Message,
    Ping,
    Played,
    Pong,
    Reason,
    Rejected,
    Resume,
    ServerMessage,
    SpeechEnded,
    SpokenWord,
    StageLatency,
    State,
    Transcript,
    Truncate,
    VadSettings,
    Welcome,
    Words,
)

FROM_CLIENT: list[ClientMessage] = [
    Hello(
        token="t",
        capabilities=Capabilities(vad=True, exact_playout=True),
        clock_ms=12.5,
        resume=Resume(session="s", key="k", utterance=3, played_samples=99, away_ms=1200),
        session="s",
        seq=1,
    ),
    Truncate(utterance=2, played_samples=2**40, probability=0.9, window_index=7, epoch=4),
    Played(utterance=2, played_samples=48_000, finished=True, estimate=True),
    SpeechEnded(window_index=12),
    Ping(clock_ms=1e9),
    Goodbye(session="s"),
]
FROM_SERVER: list[ServerMessage] = [
    Welcome(bot="Café “Ö”", sample_rate_hz=22_050, state=Floor.SPEAKING, examples=("a", "b")),
    Welcome(key="k", grace_s=30, goes_on=GoesOn(utterance=2, at_sample=2**40)),
    Contested(utterance=1, verdict_deadline_ms=600),
    Accepted(utterance=1, cut_samples=5, heard_text="One,", unheard_text="two."),
    Rejected(utterance=1, at_sample=5, reason=Reason.BACKCHANNEL, epoch=2**32 - 1),
    Ignored(state=Floor.IDLE, reason="the bot is not speaking"),
    VadSettings(probability_threshold=0.7, noise_floor_db=-60.5),
    State(state=Floor.CONTESTED),
    Words(
        utterance=1,
        first_word=3,
        words=(SpokenWord(text="hi", start_sample=0, end_sample=9, estimate=True),),
    ),
    Transcript(text="yes 👍", final=False),
    Latency(
        turn=3,
        total_ms=240.5,
        stages=(StageLatency(stage=Stage.ENDPOINT, added_ms=240.5),),
        speculated=True,
    ),
    Mark(track_sample=480, utterance=1, start_sample=0, samples=480, last=True, outline="c8c80000"),
    Pong(clock_ms=1, server_clock_ms=2),
    Error(code="bad_message", message="type: …", final=True),
]

TRUNCATE = {"type": "bargein/truncate", "v": 1, "utterance": 1, "played_samples": 5}


def refused(text: str) -> ProtocolError:
    """The error that a client's text meets."""
    with pytest.raises(ProtocolError) as caught:
        Codec.read_client(text)
    return caught.value


def test_every_kind_of_message_is_among_these() -> None:
    assert {type(message) for message in FROM_CLIENT} == set(get_args(ClientMessage))
    assert {type(message) for message in FROM_SERVER} == set(get_args(ServerMessage))


@pytest.mark.parametrize("message", FROM_CLIENT, ids=lambda m: type(m).__name__)
def test_a_clients_message_comes_back_as_it_was(message: ClientMessage) -> None:
    assert Codec.read_client(Codec.write(message)) == message


@pytest.mark.parametrize("message", FROM_SERVER, ids=lambda m: type(m).__name__)
def test_a_servers_message_comes_back_as_it_was(message: ServerMessage) -> None:
    assert Codec.read_server(Codec.write(message)) == message


@pytest.mark.parametrize("message", [*FROM_CLIENT, *FROM_SERVER], ids=lambda m: type(m).__name__)
def test_a_message_carries_type_version_session_count_and_epoch(message: Message) -> None:
    written = json.loads(Codec.write(message))
    assert written["type"].startswith(PREFIX)
    assert written["v"] == 1
    assert {"session", "seq", "epoch"} <= written.keys()


def test_fields_that_are_not_known_yet_are_ignored() -> None:
    later = {**TRUNCATE, "mood": "cross", "probability": 0.5}
    assert Codec.read_client_value(later) == Truncate(
        utterance=1, played_samples=5, probability=0.5
    )


def test_a_message_without_a_version_is_of_this_one() -> None:
    value = {key: field for key, field in TRUNCATE.items() if key != "v"}
    assert Codec.read_client_value(value) == Truncate(utterance=1, played_samples=5)


def test_a_message_of_the_other_side_is_refused() -> None:
    assert refused(Codec.write(State(state=Floor.IDLE))).code == "bad_message"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ("[" * 10_000, "not_json"),
        ("1" * 10_000, "not_json"),
        ("[]", "not_an_object"),
        ("null", "not_an_object"),
        ("NaN", "not_an_object"),
        ("{}", "bad_message"),
        ('{"type": 5}', "bad_message"),
        ('{"type": "bargein/nonsense"}', "bad_message"),
        ('{"type": "bargein/truncate"}', "bad_message"),
        ('{"type": "bargein/ping", "v": 2}', "version"),
        ('{"type": "bargein/ping", "v": null}', "version"),
        ('{"type": "bargein/ping", "v": {"a": []}}', "version"),
        (" " * (MAX_MESSAGE_BYTES + 1), "too_long"),
        ("ü" * (MAX_MESSAGE_BYTES // 2 + 1), "too_long"),
    ],
)
def test_what_is_no_message_has_a_code(text: str, code: str) -> None:
    assert refused(text).code == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("utterance", "-1"),
        ("utterance", "4294967296"),
        ("utterance", "1.5"),
        ("utterance", "null"),
        ("played_samples", "-1"),
        ("played_samples", "9007199254740992"),
        ("played_samples", "NaN"),
        ("played_samples", "1e999"),
        ("probability", "NaN"),
        ("probability", "Infinity"),
        ("probability", "1.01"),
        ("noise_floor_db", "-Infinity"),
        ("noise_floor_db", "-201"),
        ("session", '"' + "x" * 65 + '"'),
        ("seq", "-1"),
        ("epoch", "true and"),
    ],
)
def test_a_value_out_of_its_bounds_is_refused(field: str, value: str) -> None:
    text = json.dumps({**TRUNCATE, field: "HERE"}).replace('"HERE"', value)
    assert refused(text).code in ("bad_message", "not_json")


def test_a_server_may_say_more_at_once_than_a_client() -> None:
    long = Transcript(text="word " * MAX_MESSAGE_BYTES, final=True)
    assert Codec.read_server(Codec.write(long)) == long


def test_the_error_names_the_field() -> None:
    assert str(refused(json.dumps({**TRUNCATE, "probability": 2}))).startswith(
        "bargein/truncate.probability: "
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = [type(message).model_fields["type"].default for message in [*FROM_CLIENT, *FROM_SERVER]]
FIELDS = sorted({name for message in FROM_CLIENT for name in type(message).model_fields})
LIKELY = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8).flatmap(
    lambda fields: st.sampled_from(NAMES).map(lambda name: {**fields, "type": name})
)


def read(text: str) -> None:
    """Read it on both sides; an error can itself be written."""
    for side in (Codec.read_client, Codec.read_server):
        try:
            message = side(text)
        except ProtocolError as error:
            Codec.write(Error(code=error.code, message=str(error)))
        else:
            assert side(Codec.write(message)) == message


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_message_or_a_protocol_error(text: str) -> None:
    read(text)


@given(JSON | LIKELY)
def test_any_json_is_a_message_or_a_protocol_error(value: object) -> None:
    read(json.dumps(value))


@given(JSON | LIKELY | st.dictionaries(st.integers() | st.binary(), st.binary(), max_size=3))
def test_any_value_that_a_channel_hands_over_is_a_message_or_a_protocol_error(
    value: object,
) -> None:
    with suppress(ProtocolError):
        Codec.read_client_value(value)


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "\\ud800"}',
        '{"type": "bargein/ping", "v": "\\ud800"}',
        '{"type": "bargein/hello", "token": "\\ud800"}',
        '{"type": "bargein/hello", "\\ud800": 1}',
        '{"type": "bargein/hello", "capabilities": {"vad": "\\ud800"}}',
    ],
)
def test_half_a_character_breaks_nothing(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "x" * 16_000},
        {"type": "bargein/ping", "v": "x" * 16_000},
        {"type": "bargein/ping", "clock_ms": "x" * 16_000},
    ],
)
def test_an_error_does_not_send_the_message_back(value: object) -> None:
    assert len(str(refused(json.dumps(value)))) < 400
