"""What a hostile handler reaches for stays out of its reach, with bubblewrap and without."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from bargein.processors.sandbox.bait import greeting
from bargein.processors.sandbox.outcome import Failed, Failure
from bargein.tools.tool import Permissions
from tests.sandbox.calls import Calls, no_process_has

pytestmark = pytest.mark.slow  # a process for each call; all of them take seconds

LOCAL = "127.0.0.1"


async def test_the_bots_variables_are_not_there(calls: Calls) -> None:
    assert await calls.returned("reaching.environment") == []


async def test_a_permitted_variable_is_there_and_no_other(calls: Calls) -> None:
    permitted = Permissions(env=("BARGEIN_TEST_KEY",))
    found = await calls.returned("reaching.environment", permissions=permitted)
    assert found == ["a key of the bot", "a key of the bot"]


@pytest.mark.parametrize("name", ["variables_of_others", "memory_of_others"])
async def test_the_memory_of_other_processes_is_closed(calls: Calls, name: str) -> None:
    assert await calls.returned(f"reaching.{name}", {"bot": os.getpid()}) == []


async def test_the_key_file_beside_the_handler_is_not_to_be_read(calls: Calls) -> None:
    handler = calls.handler("reaching.read")
    secret = str(Path(handler.source).parent / ".env")
    assert await calls.returned("reaching.read", {"path": secret}) == ""


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/passwd", "/proc/1/environ", "/root/.bashrc"])
async def test_files_of_the_machine_are_not_to_be_read(calls: Calls, path: str) -> None:
    assert await calls.returned("reaching.read", {"path": path}) == ""


async def test_the_folder_of_the_bot_shows_nothing_but_the_handler(calls: Calls) -> None:
    folder = str(Path(calls.handler("reaching.listed").source).parent)
    assert await calls.returned("reaching.listed", {"path": folder}) in ([], ["reaching.py"])


async def test_nothing_outside_can_be_written(calls: Calls) -> None:
    outside = calls.folder / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    assert await calls.returned("reaching.write", {"folder": str(outside)}) == []
    assert list(outside.iterdir()) == []


async def test_no_port_of_the_machine_is_reached(calls: Calls) -> None:
    async with greeting(LOCAL) as port:
        addresses = [[LOCAL, port], ["localhost", port], [socket.gethostname(), port]]
        assert await calls.returned("reaching.connected", {"addresses": addresses}) == []


async def test_no_socket_of_another_program_is_reached(calls: Calls) -> None:
    paths = [f"\0bargein-{os.getpid()}", str(calls.folder / "socket")]
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as named:
        for each, path in zip((abstract, named), paths, strict=True):
            each.bind(path)
            each.listen()
        assert await calls.returned("reaching.connected_unix", {"paths": paths}) == []


@pytest.mark.parametrize("name", ["odd_sockets", "inherited", "other_program", "became_root"])
async def test_there_is_no_way_around(calls: Calls, name: str) -> None:
    assert await calls.returned(f"reaching.{name}") == []


async def test_neither_the_bot_nor_any_other_process_can_be_ended(calls: Calls) -> None:
    victim = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        await calls.outcome("reaching.ended_others", {"bot": victim.pid})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await victim.wait()
    finally:
        victim.kill()
        await victim.wait()


async def test_nothing_is_left_after_a_call(calls: Calls) -> None:
    permitted = Permissions(env=("BARGEIN_TEST_PERMITTED",))
    await calls.outcome("greedy.forks", permissions=permitted)
    await calls.sandbox.close()
    assert await no_process_has("BARGEIN_TEST_PERMITTED=")


async def test_a_closed_sandbox_starts_nothing(calls: Calls) -> None:
    await calls.sandbox.close()
    outcome = await calls.outcome("reaching.environment")
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.UNAVAILABLE
