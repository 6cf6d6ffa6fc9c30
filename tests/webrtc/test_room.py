"""The room as a config declares it: it ships, names mistakes, and hides passwords."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("aiortc", reason="the extra `webrtc` is not installed")

from bargein import configs
from bargein.config.problems import InvalidConfigError
from bargein.pipelines.load import Config, load
from bargein.transports.webrtc.call import ANSWER_S, CONNECT_S
from bargein.transports.webrtc.room import IceServer, WebrtcRoom

SHIPPED = Path(next(iter(configs.__path__))) / "webrtc.yaml"
TURN = "{urls: 'turn:turn.example.org', username: bot, credential: '${HUSH}'}"


def with_servers(servers: str) -> Config:
    """The shipped config with these ICE servers."""
    environ = {**os.environ, "HUSH": "hush-hush"}
    return load(SHIPPED, overrides=[f"transport.ice_servers=[{servers}]"], environ=environ)


def test_the_shipped_config_is_a_room_that_asks_nobody() -> None:
    room = load(SHIPPED, environ=os.environ).transport.build()
    assert isinstance(room, WebrtcRoom)
    assert room.ice == ()


def test_where_udp_finds_no_way_the_seat_is_free_before_the_page_takes_the_websocket() -> None:
    page = (files("bargein.transports") / "client" / "data_line.js").read_text()
    bounds_ms = dict(re.findall(r"const (\w+_BOUND_MS) = ([\d_]+);", page))
    assert int(bounds_ms["OPEN_BOUND_MS"]) > CONNECT_S * 1000
    assert int(bounds_ms["ANSWER_BOUND_MS"]) > ANSWER_S * 1000, "a slow answer is an answer"


def test_a_turn_server_keeps_its_password_and_no_dump_shows_it() -> None:
    config = with_servers(TURN)
    turn = IceServer(urls="turn:turn.example.org", username="bot", credential="hush-hush")
    assert config.transport.build().ice == (turn,)
    assert "hush-hush" not in str(config.effective)
    assert "turn:turn.example.org" in str(config.effective)


@pytest.mark.parametrize(
    "wrong", ["{urls: 'http://turn.example.org'}", "{url: 'stun:stun.example.org'}", "stun:x"]
)
def test_what_is_no_ice_server_is_an_error_at_load(wrong: str) -> None:
    with pytest.raises(InvalidConfigError, match="ice_servers"):
        with_servers(wrong)
