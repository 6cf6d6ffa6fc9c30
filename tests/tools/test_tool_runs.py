"""Handlers run in the sandbox, which is open as long as somebody uses it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bargein.errors import PartError
from bargein.processors.sandbox.sandbox import MOST_SPARES
from bargein.processors.tool_call import ToolFailedError
from bargein.processors.tool_runs import SandboxedTools
from bargein.tools.proposal import Code
from bargein.tools.schema import Schema
from bargein.tools.tool import PythonHandler, Tool

pytestmark = pytest.mark.slow

HANDLERS = """
import time

CALLS = []

def double(number):
    CALLS.append(number)
    return {"twice": 2 * number, "calls": len(CALLS)}

def fails():
    raise RuntimeError("with a secret in it")

def never():
    time.sleep(60)

def much():
    return "\\u00e9" * 8_000

def too_much():
    return "x" * 200_000
"""


def tool(folder: Path, function: str, *, timeout_ms: int = 5_000) -> Tool:
    handlers = folder / "handlers.py"
    handlers.write_text(HANDLERS)
    return Tool(
        name=function,
        description="A tool of the test's.",
        arguments=Schema.of_arguments({}),
        handler=PythonHandler(str(handlers), function),
        timeout_ms=timeout_ms,
    )


async def test_each_call_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    double = tool(tmp_path, "double")
    tools = SandboxedTools([double])
    async with tools.open():
        one, other = await asyncio.gather(*(tools.run(double, {"number": 4}) for _ in range(2)))
    assert one["twice"] == other["twice"] == 8
    assert one["calls"] == other["calls"] == 1


@pytest.mark.parametrize(
    ("function", "code"),
    [
        ("fails", Code.FAILED),
        ("never", Code.TIMED_OUT),
        ("too_much", Code.BAD_RESULT),
    ],
)
async def test_a_handler_without_a_result_is_a_refusal_without_its_words(
    function: str, code: Code, tmp_path: Path
) -> None:
    declared = tool(tmp_path, function, timeout_ms=500)
    tools = SandboxedTools([declared])
    async with tools.open():
        with pytest.raises(ToolFailedError) as caught:
            await tools.run(declared, {})
    assert caught.value.refusal.code == code
    assert "secret" not in caught.value.refusal.message + caught.value.detail


async def test_an_answer_as_large_as_is_allowed_comes_through_whatever_its_letters(
    tmp_path: Path,
) -> None:
    much = tool(tmp_path, "much")
    tools = SandboxedTools([much])
    async with tools.open():
        assert await tools.run(much, {}) == "\u00e9" * 8_000


async def test_the_sandbox_is_shared_and_closed_with_the_last_session(tmp_path: Path) -> None:
    double = tool(tmp_path, "double")
    tools = SandboxedTools([double])
    async with tools.open():
        async with tools.open():
            pass
        assert (await tools.run(double, {"number": 1}))["twice"] == 2
    with pytest.raises(ToolFailedError) as caught:
        await tools.run(double, {"number": 1})
    assert caught.value.refusal.code == Code.UNAVAILABLE
    async with tools.open():
        assert (await tools.run(double, {"number": 2}))["twice"] == 4


async def test_a_session_that_ends_at_once_leaves_no_worker(tmp_path: Path) -> None:
    tools = SandboxedTools([tool(tmp_path, "double")])
    before = asyncio.all_tasks()
    async with tools.open():
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_handler_that_is_not_there_is_told_before_anybody_calls(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="nobody"):
        await SandboxedTools([tool(tmp_path, "nobody")]).try_out()


async def test_each_handler_that_can_not_be_imported_is_told_with_its_tool(tmp_path: Path) -> None:
    """Those, too, for which no worker is kept ready."""
    good = [
        replace(tool(tmp_path, "double"), name=f"good{at}", timeout_ms=5_000 + at)
        for at in range(MOST_SPARES)
    ]
    broken = [replace(tool(tmp_path, "nobody"), name=name) for name in ("one", "two")]
    with pytest.raises(PartError) as told:
        await SandboxedTools([*good, *broken]).try_out()
    named = [line.split(":")[0] for line in str(told.value).splitlines()]
    assert named == ["tools.one", "tools.two"]


async def test_without_tools_nothing_is_started() -> None:
    tools = SandboxedTools([])
    async with tools.open():
        assert await tools.try_out() is None
