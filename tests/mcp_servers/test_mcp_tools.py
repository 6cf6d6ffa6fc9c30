"""Tools of MCP servers, good ones and bad ones; each server is a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from loguru import logger

from bargein.errors import PartError
from bargein.processors.mcp_tools import McpTools
from bargein.processors.sandbox.ground import grounds
from bargein.processors.tool_call import ToolFailedError
from bargein.tools.keywords import Json
from bargein.tools.mcp import McpServer, McpTool
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import Code, Refusal
from bargein.tools.schema import Schema
from bargein.tools.tool import Permissions, Tool

pytestmark = pytest.mark.slow

SERVERS = Path(__file__).parent / "servers"
SOON_S = 60.0
"""For a server to start on a busy machine."""
NAMES = ("search", "describe", "picture", "refuse", "wait", "surroundings")


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    yield lines
    logger.remove(sink)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, with a bound."""
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(*servers: McpServer) -> AsyncIterator[McpTools]:
    tools = McpTools(servers, grounds()[0], again_s=(0.1, 0.1, 0.1))
    async with asyncio.timeout(SOON_S):
        await tools.open()
    try:
        yield tools
    finally:
        await tools.close()


def named(tools: McpTools, name: str) -> Tool:
    return next(tool for tool in tools.tools if tool.name == name)


async def answer(tools: McpTools, name: str, /, **arguments: Json) -> Json:
    """Call as a session does: the result is held against its schema."""
    tool = named(tools, name)
    async with asyncio.timeout(SOON_S):
        value = await tools.run(tool, arguments)
    return ToolPolicy([tool]).check_result(tool, value)


async def failure(tools: McpTools, name: str, /, **arguments: Json) -> Refusal:
    with pytest.raises(ToolFailedError) as caught:
        await answer(tools, name, **arguments)
    return caught.value.refusal


# Servers that are as they should be.


def shop(folder: Path) -> McpServer:
    shutil.copy(SERVERS / "shop.py", folder)
    (folder / ".env").write_text("SHOP_SECRET=hidden-value")
    tools = tuple(McpTool(name, name) for name in NAMES)
    return McpServer(tools, command=("python", "shop.py"), folder=str(folder))


@asynccontextmanager
async def shop_by_http() -> AsyncIterator[McpServer]:
    """Run the same server behind a port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, str(SERVERS / "shop.py"), str(port)]
    process = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.DEVNULL)
    try:
        await until(lambda: is_open(port))
        yield McpServer(
            tuple(McpTool(name, name) for name in NAMES), url=f"http://127.0.0.1:{port}/mcp"
        )
    finally:
        process.kill()
        await process.wait()


def is_open(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


async def behave_as_they_should(tools: McpTools) -> None:
    assert await answer(tools, "search", word="tea") == {"names": ["tea", "tea", "tea"]}
    assert await answer(tools, "describe", name="tea") == "tea: a thing"
    picture = await failure(tools, "picture", name="tea")
    assert (picture.code, "answered with image" in picture.message) == (Code.BAD_RESULT, True)
    refused = await failure(tools, "refuse", word="tea")
    assert (refused.code, refused.message) == (Code.FAILED, "The tool failed.")
    search = named(tools, "search")
    assert search.description == "Searches the shop."
    assert not search.arguments.violations({"word": "tea"})
    for wrong in ({}, {"word": 3}, {"word": "tea", "extra": 1}):
        assert search.arguments.violations(wrong)
    assert search.result
    assert search.result.violations({"names": "tea"})


async def test_a_program_of_the_sdk_serves_its_tools_without_the_bots_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "hidden-value")
    async with opened(shop(tmp_path)) as tools:
        await behave_as_they_should(tools)
        assert await answer(tools, "surroundings") == {"secret": "none", "file": "False"}
        slow = asyncio.create_task(answer(tools, "wait", seconds=30))
        await asyncio.sleep(0)
        quick = await answer(tools, "describe", name="beside it")
        slow.cancel()
        assert quick == "beside it: a thing"


async def test_a_server_of_the_sdk_over_http_serves_its_tools_and_is_found_again() -> None:
    async with shop_by_http() as server:
        async with opened(server) as tools:
            await behave_as_they_should(tools)
        async with opened(server) as again:
            assert await answer(again, "describe", name="tea") == "tea: a thing"


async def test_who_answers_at_no_url_is_a_mistake_at_the_start() -> None:
    server = McpServer((McpTool("a", "a"),), url="http://me:hidden@127.0.0.1:9/mcp")
    with pytest.raises(PartError, match="did not start: ") as caught:
        async with opened(server):
            pass
    assert "hidden" not in str(caught.value)


# Servers that are not.


def faulty(mode: str, folder: Path, **rules: object) -> McpServer:
    shutil.copy(SERVERS / "faulty.py", folder)
    lives = folder / "state" / "lives"
    lives.parent.mkdir(exist_ok=True)
    lives.write_text("0")
    return McpServer(
        (McpTool("echo", "echo", **rules),),  # type: ignore[arg-type]
        command=("python", "faulty.py", mode, str(lives)),
        folder=str(folder),
        permissions=Permissions(write=(lives.parent,)),
    )


def life(folder: Path) -> int:
    return int((folder / "state" / "lives").read_text() or "0")  # it may just be written


async def test_a_server_that_crashes_in_a_call_is_started_again(tmp_path: Path) -> None:
    async with opened(faulty("crashes", tmp_path)) as tools:
        assert (await failure(tools, "echo", word="tea")).code in (Code.UNAVAILABLE, Code.FAILED)
        await until(lambda: life(tmp_path) == 2)
        await until_it_answers(tools)


async def until_it_answers(tools: McpTools) -> None:
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                assert await answer(tools, "echo", word="again") == "again"
            except ToolFailedError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_server_that_crashes_for_ever_is_given_up(tmp_path: Path, log: list[str]) -> None:
    async with opened(faulty("crashes_always", tmp_path)) as tools:
        for lives in range(2, 5):
            assert (await failure(tools, "echo", word="tea")).code
            await until(partial(has_lived, tmp_path, lives))
            await until(lambda: runs(tools))
        await failure(tools, "echo", word="tea")
        await until(lambda: any("it is given up" in line for line in log))
        assert (await failure(tools, "echo", word="tea")).code == Code.UNAVAILABLE
    assert life(tmp_path) == 4


def has_lived(folder: Path, times: int) -> bool:
    return life(folder) == times


def runs(tools: McpTools) -> bool:
    (client,) = tools._clients.values()
    return client._connection is not None


async def test_a_call_that_is_given_up_is_told_to_the_server(tmp_path: Path) -> None:
    async with opened(faulty("waits", tmp_path)) as tools:
        call = asyncio.create_task(tools.run(named(tools, "echo"), {"word": "tea"}))
        told = tmp_path / "state" / "lives.cancelled"
        await until((tmp_path / "state" / "lives.asked").exists)
        call.cancel()
        await until(lambda: told.exists() and bool(told.read_text()))
        assert told.read_text() == (tmp_path / "state" / "lives.asked").read_text()
        assert life(tmp_path) == 1


async def test_a_server_that_hangs_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.processors.mcp_server.LIST_S", 0.5)
    async with opened(faulty("hangs", tmp_path)) as tools:
        call = asyncio.create_task(tools.run(named(tools, "echo"), {"word": "tea"}))
        await asyncio.wait([call], timeout=0.3)
        assert not call.done()
        call.cancel()
        await until(lambda: life(tmp_path) == 2)
        await until_it_answers(tools)


async def test_what_a_server_prints_beside_its_messages_is_passed_over(tmp_path: Path) -> None:
    async with opened(faulty("prints", tmp_path)) as tools:
        assert await answer(tools, "echo", word="tea") == "tea"


async def test_a_message_without_end_ends_the_server(tmp_path: Path, log: list[str]) -> None:
    async with opened(faulty("huge", tmp_path)) as tools:
        assert (await failure(tools, "echo", word="tea")).code in (Code.UNAVAILABLE, Code.FAILED)
        assert any("a message that is too large" in line for line in log)


async def test_a_result_that_is_too_large_is_not_used(tmp_path: Path) -> None:
    async with opened(faulty("good", tmp_path)) as tools:
        refusal = await answer(tools, "echo", word="x" * 20_000)
        assert isinstance(refusal, Refusal)
        assert refusal.code == Code.BAD_RESULT


@pytest.mark.parametrize(
    ("mode", "code"), [("nonsense", Code.BAD_RESULT), ("no_reason", Code.FAILED)]
)
async def test_an_answer_that_is_none_fails_without_the_servers_words(
    mode: str, code: Code, tmp_path: Path
) -> None:
    async with opened(faulty(mode, tmp_path)) as tools:
        refusal = await failure(tools, "echo", word="tea")
        assert refusal.code == code
        assert "hidden" not in refusal.message


async def test_a_tool_that_the_server_changes_is_not_used_any_more(
    tmp_path: Path, log: list[str]
) -> None:
    async with opened(faulty("changes", tmp_path)) as tools:
        tool = named(tools, "echo")
        assert await answer(tools, "echo", word="tea") == "tea"
        await until(lambda: not tools.tools)
        with pytest.raises(ToolFailedError, match="not available any more"):
            await tools.run(tool, {"word": "tea"})
        assert any("has changed its tool echo" in line for line in log)


async def test_a_result_is_read_as_the_configuration_declares_it(tmp_path: Path) -> None:
    count = Schema.parse({"type": "object", "properties": {"n": {"type": "integer"}}})
    async with opened(faulty("good", tmp_path, result=count)) as tools:
        assert await answer(tools, "echo", word='{"n": 3}') == {"n": 3}
        refusal = await answer(tools, "echo", word="three")
        assert isinstance(refusal, Refusal)


STARTS = {
    "ends": ("ends", {}, "did not start: "),
    "another tool": ("good", {"tool": "eco"}, "has no tool 'eco'. Did you mean 'echo'?"),
    "an unknown brace": (
        "good",
        {"confirm": True, "question": "Say {text}?"},
        "there is no argument 'text'. Arguments: word",
    ),
}


@pytest.mark.parametrize(("mode", "rules", "said"), STARTS.values(), ids=STARTS)
async def test_a_server_that_is_not_as_declared_is_a_mistake_at_the_start(
    mode: str, rules: dict[str, object], said: str, tmp_path: Path
) -> None:
    server = faulty(mode, tmp_path)
    declared = McpTool(**{"tool": "echo", "name": "echo", **rules})  # type: ignore[arg-type]
    server = McpServer((declared,), server.command, server.folder, permissions=server.permissions)
    with pytest.raises(PartError, match="MCP server") as caught:
        async with opened(server):
            pass
    assert said in str(caught.value)


async def test_a_program_that_is_not_installed_is_a_mistake_at_the_start() -> None:
    with pytest.raises(PartError, match=r"there is no program 'no-such-program'\. Install it"):
        async with opened(McpServer((McpTool("a", "a"),), command=("no-such-program",))):
            pass


async def test_a_server_that_does_not_answer_is_a_mistake_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.processors.mcp_server.START_S", 0.7)
    with pytest.raises(PartError, match=r"it did not answer within 0\.7 s"):
        async with opened(faulty("silent", tmp_path)):
            pass


async def test_no_process_is_left_when_the_bot_ends(tmp_path: Path) -> None:
    async with opened(faulty("good", tmp_path)):
        assert runs_in(tmp_path)
    await until(lambda: not runs_in(tmp_path))


def runs_in(folder: Path) -> bool:
    """Whether a process other than this one has the folder in its command line."""
    return any(names(path, folder) for path in Path("/proc").glob("[0-9]*/cmdline"))


def names(path: Path, folder: Path) -> bool:
    try:
        is_self = int(path.parent.name) == os.getpid()
        return not is_self and str(folder).encode() in path.read_bytes()
    except OSError:
        return False
