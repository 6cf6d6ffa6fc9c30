"""What a worker writes is read with care."""

from __future__ import annotations

import pytest

from bargein.errors import PartError
from bargein.processors.sandbox import channel
from bargein.processors.sandbox.destinations import destinations, hosts_file
from bargein.processors.sandbox.said import MASK, MOST_LINE_CHARS, MOST_LINES, loggable
from bargein.processors.sandbox.setup import Files, Identity, Limits, Listener, Setup, read_setup
from bargein.tools.tool import Permissions


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"NaN", b"-Infinity", b"1e999", b"[" * 9_000, b'"\xff"', b'"\\udc80"', b"\x80\x04"],
)
def test_what_is_no_strict_json_is_refused(payload: bytes) -> None:
    with pytest.raises(channel.BadAnswerError):
        channel.loaded(payload)


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "tea \U0001f375", [1, [2]], {"a": {"b": []}}]
)
def test_json_arrives_as_it_was_sent(value: object) -> None:
    assert channel.loaded(channel.dumped(value)) == value


def test_a_setup_arrives_as_it_was_sent() -> None:
    sent = Setup(
        source="/bot/tool.py",
        function="order",
        search_path=("/site",),
        limits=Limits(timeout_ms=5),
        identity=Identity(70_000, may_override_files=True),
        listeners=(Listener("127.64.0.1", 443),),
        files=Files(("/usr",), ("/tmp",)),
        tcp_ports=(443,),
    )
    assert read_setup(sent.as_bytes()) == sent


def test_each_host_has_an_address_inside_and_localhost_its_own() -> None:
    places = destinations(["a.test:80", "B.test:80", "a.test:443", "localhost:1", "10.0.0.5:80"])
    found = [(place.host, place.listener.address, place.port) for place in places]
    assert found == [
        ("a.test", "127.64.0.1", 80),
        ("b.test", "127.64.0.2", 80),
        ("a.test", "127.64.0.1", 443),
        ("localhost", "127.0.0.1", 1),
        ("10.0.0.5", "10.0.0.5", 80),
    ]
    assert hosts_file(places).splitlines() == [
        "127.0.0.1 localhost",
        "127.64.0.1 a.test",
        "127.64.0.2 b.test",
    ]


@pytest.mark.parametrize(
    "place", ["a.test", "a.test:", ":80", "a.test:0", "a.test:70000", "[::1]:80"]
)
def test_what_is_no_place_is_named(place: str) -> None:
    with pytest.raises(PartError, match=r"permissions\.network"):
        destinations([place])


def test_the_log_gets_few_plain_lines_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k-12345")
    text = "\n".join(["key k-12345 \x1b[31m", "x" * 1_000, *["line"] * 100])
    lines = loggable(text, Permissions(env=("SHOP_KEY", "NOT_SET"))).splitlines()
    assert lines[0] == f"key {MASK} ?[31m"
    assert len(lines[1]) == MOST_LINE_CHARS + len("...")
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "(82 more lines)"
