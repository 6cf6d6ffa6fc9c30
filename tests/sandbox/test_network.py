"""A permitted host is reached by its name; nothing else is, and not without bound."""

from __future__ import annotations

import asyncio

import pytest

from bargein.processors.sandbox import relay
from bargein.processors.sandbox.bait import greeting
from bargein.processors.sandbox.outcome import Failed, Failure
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions
from tests.sandbox.calls import Calls

LOCAL = "127.0.0.1"
UNREACHABLE = "192.0.2.7"
"""Of the block that is kept for documentation: nobody is there."""


def permitted(*places: str) -> Permissions:
    """Permit these and nothing else."""
    return Permissions(network=places)


async def reached(calls: Calls, addresses: list[Json], permissions: Permissions) -> Json:
    """Give the addresses where somebody greets."""
    return await calls.returned(
        "reaching.connected", {"addresses": addresses}, permissions=permissions
    )


@pytest.mark.parametrize("host", [LOCAL, "localhost"])
async def test_a_permitted_host_is_reached(calls: Calls, host: str) -> None:
    async with greeting(LOCAL) as port:
        address: list[Json] = [host, port]
        assert await reached(calls, [address], permitted(f"{host}:{port}")) == [f"{host}:{port}"]


async def test_another_port_of_a_permitted_host_is_not_reached(calls: Calls) -> None:
    async with greeting(LOCAL) as port, greeting(LOCAL) as other:
        assert await reached(calls, [[LOCAL, other]], permitted(f"{LOCAL}:{port}")) == []


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_the_same_port_of_another_host_is_not_reached(calls: Calls) -> None:
    async with greeting(LOCAL) as port, greeting("127.0.0.2", port):
        addresses: list[Json] = [["127.0.0.2", port], [LOCAL, port]]
        found = await reached(calls, addresses, permitted(f"{LOCAL}:{port}"))
        assert found == [f"{LOCAL}:{port}"]


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_a_host_has_its_name_inside_and_nothing_more(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot looks the name up, the worker can't."""
    connect = asyncio.open_connection

    async def to_local(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert (host, port) == ("api.bargein.test", 443)
        return await connect(LOCAL, served)

    async with greeting(LOCAL) as served:
        monkeypatch.setattr(relay, "connect", to_local)
        addresses: list[Json] = [["api.bargein.test", 443], ["other.bargein.test", 443]]
        found = await reached(calls, addresses, permitted("API.bargein.test:443"))
    assert found == ["api.bargein.test:443"]


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_an_address_that_is_not_of_this_machine_is_answered_for_inside(calls: Calls) -> None:
    places = [f"{UNREACHABLE}:80", "10.1.2.3:8123"]
    opened = await calls.returned(
        "reaching.opened",
        {"addresses": [[UNREACHABLE, 80], ["10.1.2.3", 8123], ["10.1.2.4", 8123]]},
        permissions=permitted(*places),
    )
    assert opened == places


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_what_goes_through_is_bounded(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MOST_BYTES", 100_000)
    received = bytearray()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            received.extend(data)
        writer.close()

    server = await asyncio.start_server(swallow, LOCAL, 0)
    port = server.sockets[0].getsockname()[1]
    sent = await calls.returned(
        "reaching.sent", {"address": [LOCAL, port]}, permissions=permitted(f"{LOCAL}:{port}")
    )
    server.close()
    assert isinstance(sent, int)
    assert 0 < len(received) <= 100_000


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_only_a_few_connections_are_open_at_once(calls: Calls) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, LOCAL, 0) as server:
        port = server.sockets[0].getsockname()[1]
        count = await calls.returned(
            "reaching.open_at_once",
            {"address": [LOCAL, port], "tries": 3 * relay.MOST_CONNECTIONS},
            permissions=permitted(f"{LOCAL}:{port}"),
        )
    assert count == relay.MOST_CONNECTIONS


@pytest.mark.parametrize("place", ["example.com", "example.com:http", ":443", "[::1]:80", "a b:1"])
async def test_what_is_no_host_and_port_is_said(calls: Calls, place: str) -> None:
    outcome = await calls.outcome("reaching.environment", permissions=permitted(place))
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.UNAVAILABLE
