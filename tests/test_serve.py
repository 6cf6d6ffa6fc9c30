"""`bargein run` says why it can't listen, and warns where it listens to the world."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Never

import pytest

from bargein import configs
from bargein.errors import ConfigError, PartError
from bargein.pipelines import serve
from bargein.pipelines.load import Config, load
from bargein.pipelines.preparation import bot_rate_hz
from bargein.pipelines.resume_phrases import prepared
from bargein.transports.device.line import DeviceLine

pytestmark = pytest.mark.filterwarnings("ignore:'audioop' is deprecated:DeprecationWarning")

LOCAL = Path(next(iter(configs.__path__))) / "local.yaml"


class StoppedServer:
    """Takes the place of uvicorn's: it is over at once, and knows where it would have served."""

    addresses: list[tuple[object, ...]]

    def __init__(self, _config: object) -> None:
        """Take uvicorn's settings."""

    def run(self, sockets: list[socket.socket]) -> None:
        """Note where it would have served."""
        StoppedServer.addresses = [listener.getsockname() for listener in sockets]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the port and serve nobody."""
    monkeypatch.setattr("bargein.pipelines.serve.uvicorn.Server", StoppedServer)
    monkeypatch.setattr("bargein.pipelines.serve.logger.remove", lambda: None)
    monkeypatch.setattr("bargein.pipelines.serve.logger.add", lambda *_, **__: 0)


def at(host: str, port: int = 0) -> Config:
    """Load the local bot for an address."""
    settings = [f"transport.host={host}", f"transport.port={port}"]
    return load(LOCAL, overrides=settings, environ=os.environ)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of 127.0.0.1 at which somebody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


def test_a_port_that_is_taken_asks_for_another_bot(taken_port: int) -> None:
    with pytest.raises(ConfigError, match=r"the port is taken. Is another bot running\?"):
        serve.run(at("127.0.0.1", taken_port))


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", "at 192.0.2.1:0: this machine has no such address."),
        ("nobody.invalid", "no host is called 'nobody.invalid'."),
        ("no..body", "no host is called 'no..body'."),
    ],
)
def test_an_address_that_is_not_there_is_named(host: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serve.run(at(host))
    assert reason in str(caught.value)
    assert "another bot" not in str(caught.value)


async def no_card(*_: object, **__: object) -> Never:
    """What a machine without sound has to say."""
    raise PartError("this machine has no microphone")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "webrtc", "device"])
def test_the_resume_phrases_are_said_before_anybody_calls(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra 'embedded' is not installed")
    monkeypatch.setattr(DeviceLine, "open", no_card)
    monkeypatch.setattr("bargein.pipelines.resume_phrases._BOOKS", {})
    port = [] if name == "device" else ["transport.port=0"]
    config = load(LOCAL.with_name(f"{name}.yaml"), overrides=port, environ=os.environ)
    with suppress(ConfigError):  # of no_card
        serve.run(config)
    assert "As I was saying," in prepared(config, bot_rate_hz(config))


def test_a_port_that_only_the_administrator_may_open_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bargein.pipelines.serve.socket.create_server", refuse)
    with pytest.raises(ConfigError, match="ports below 1024 are the administrator's"):
        serve.run(at("127.0.0.1", 80))


def test_only_an_address_that_others_reach_is_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    serve.run(at("127.0.0.1"))
    assert "Warning" not in capsys.readouterr().err
    serve.run(at("0.0.0.0"))
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "Warning" in line]
    assert "microphone only on 127.0.0.1" in warning
    assert "whoever reaches the port can talk" in warning


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_is_listened_at(capsys: pytest.CaptureFixture[str]) -> None:
    serve.run(at('"::1"'))
    (address,) = StoppedServer.addresses
    assert address[0] == "::1"
    assert f"http://[::1]:{address[1]} " in capsys.readouterr().out
