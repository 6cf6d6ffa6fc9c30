"""The servers of a bot, from its YAML to a result: beside its functions, whichever loop asks."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein.cli import main
from bargein.errors import PartError
from bargein.pipelines.load import Config, load
from bargein.pipelines.mcp import open_servers
from bargein.pipelines.shared import sandboxed
from bargein.processors.tool_runs import Either
from bargein.tools.keywords import Json
from bargein.tools.tool import Tool

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TOOLS = """\
tools:
  - ./shop.py:order
  - mcp:
      command: [python, faulty.py, good, state/lives]
      tools: [{tool: echo, rate: 5/min}]
      permissions: {write: [state]}
"""
SHOP = """\
import datetime
from pydantic import BaseModel
from bargein import tool

class Order(BaseModel):
    cups: int
    on: datetime.date

@tool(confirm="user", question="Order {cups}?")
async def order(cups: int, on: datetime.date) -> Order:
    "Orders coffee."
    return Order(cups=cups, on=on)
"""


def bot(folder: Path, tools: str = TOOLS) -> Path:
    (folder / "shop.py").write_text(SHOP)
    server = Path(__file__).parent / "servers" / "faulty.py"
    (folder / "faulty.py").write_text(server.read_text())
    (folder / "state").mkdir()
    (folder / "state" / "lives").write_text("0")
    path = folder / "bot.yaml"
    path.write_text(f"extends: {ROOT}/configs/local.yaml\n{tools}")
    return path


def loaded(folder: Path, tools: str = TOOLS) -> Config:
    return load(bot(folder, tools), environ=os.environ)


def the_thread_runs() -> bool:
    return "mcp" in {thread.name for thread in threading.enumerate()}


def test_functions_and_servers_run_beside_each_other(tmp_path: Path) -> None:
    config = loaded(tmp_path)

    async def calls(order: Tool, echo: Tool, either: Either) -> list[Json]:
        async with functions.open(), asyncio.timeout(60):
            ordered = either.run(order, {"cups": 2, "on": "2026-11-21"})
            return list(await asyncio.gather(ordered, either.run(echo, {"word": "tea"})))

    with open_servers(config) as servers:
        assert servers
        functions = sandboxed(config)
        tools = (*config.tools, *servers.tools)
        either = Either(functions, servers)
        for _ in range(2):  # sessions may run in another loop than the ones before
            assert asyncio.run(calls(tools[0], tools[1], either)) == [
                {"cups": 2, "on": "2026-11-21"},
                "tea",
            ]
    assert not the_thread_runs()


def test_a_call_that_is_cancelled_is_given_up_in_the_thread_too(tmp_path: Path) -> None:
    asked = tmp_path / "state" / "lives.asked"
    told = tmp_path / "state" / "lives.cancelled"

    async def cancel(tool: Tool, either: Either) -> None:
        waiting = asyncio.create_task(either.run(tool, {"word": "tea"}))
        async with asyncio.timeout(60):
            while not asked.exists():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.02)
            waiting.cancel()
            while not told.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.gather(waiting, return_exceptions=True)

    config = loaded(tmp_path, TOOLS.replace("good", "waits"))
    with open_servers(config) as servers:
        assert servers
        asyncio.run(cancel(servers.tools[0], Either(sandboxed(config), servers)))


def test_without_servers_nothing_is_started(tmp_path: Path) -> None:
    with open_servers(loaded(tmp_path, "name: none\n")) as servers:
        assert servers is None


def test_a_server_that_does_not_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with (
        pytest.raises(PartError, match="did not start"),
        open_servers(loaded(tmp_path, TOOLS.replace("good", "ends"))),
    ):
        pass
    assert not the_thread_runs()


def test_check_lists_the_tools_and_what_holds(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check", str(bot(tmp_path))])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "order shop.py:order 10000 ms - - the user cancel nothing" in lines
    assert "echo mcp echo 10000 ms 5/min - - cancel writes state" in lines
    assert any(line.startswith("tools run apart by ") for line in lines)


def test_check_says_what_is_wrong_with_a_server(tmp_path: Path) -> None:
    path = bot(tmp_path, TOOLS.replace("tool: echo", "tool: eco"))
    result = CliRunner().invoke(main, ["check", str(path)])
    assert result.exit_code == 1
    assert "has no tool 'eco'. Did you mean 'echo'?" in result.output
