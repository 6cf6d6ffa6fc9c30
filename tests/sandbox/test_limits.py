"""A handler gets its share and no more."""

from __future__ import annotations

import asyncio

import pytest
from loguru import logger

from bargein.processors.sandbox.outcome import Failed, Failure
from bargein.processors.sandbox.setup import Limits
from tests.sandbox.calls import Calls

pytestmark = pytest.mark.slow

SHORT = Limits(timeout_ms=300)
TIGHT = Limits(timeout_ms=20_000, memory_mb=256, threads=8, file_mb=4, open_files=32)
MOST_PRINTED = 8_000
"""Characters in the log: twenty lines of three hundred, with what stands before them."""


@pytest.mark.parametrize("name", ["loops", "ignores_signals", "swallows_memory_errors"])
async def test_a_handler_that_does_not_end_is_ended(calls: Calls, name: str) -> None:
    outcome = await calls.outcome(f"greedy.{name}", limits=SHORT)
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.TIMED_OUT


async def test_more_memory_than_it_may_have_is_refused(calls: Calls) -> None:
    outcome = await calls.outcome("greedy.allocates", limits=TIGHT)
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.OUT_OF_MEMORY


async def test_there_is_no_memory_that_no_limit_counts(calls: Calls) -> None:
    assert await calls.returned("greedy.allocates_outside_of_limits") == 0


async def test_it_starts_no_process_and_few_threads(calls: Calls) -> None:
    assert await calls.returned("greedy.forks", limits=TIGHT) == 0
    threads = await calls.returned("greedy.threads", limits=TIGHT)
    assert isinstance(threads, int)
    assert 0 < threads <= TIGHT.threads


async def test_files_are_small_and_few(calls: Calls) -> None:
    assert await calls.returned("greedy.fills_a_file", limits=TIGHT) == TIGHT.file_mb
    assert await calls.returned("greedy.fills_devices", limits=TIGHT) == 0
    opened = await calls.returned("greedy.opens_files", limits=TIGHT)
    assert isinstance(opened, int)
    assert opened < TIGHT.open_files


@pytest.mark.usefixtures("only_with_bubblewrap")
async def test_the_whole_folder_is_small(calls: Calls) -> None:
    filled = await calls.returned("greedy.fills_the_folder", limits=TIGHT)
    assert isinstance(filled, int)
    assert filled <= TIGHT.file_mb


@pytest.mark.parametrize("name", ["prints", "prints_without_python"])
async def test_a_hundred_megabytes_of_print_are_a_few_lines_of_log(calls: Calls, name: str) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}")
    assert await calls.returned(f"greedy.{name}", {"megabytes": 100}) == "printed"
    logger.remove(sink)
    assert 0 < len("".join(lines)) < MOST_PRINTED
    assert "\x1b" not in "".join(lines)


async def test_a_cancelled_call_is_killed_at_once(calls: Calls) -> None:
    call = asyncio.create_task(calls.outcome("greedy.loops"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.shield(call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    async with asyncio.timeout(5):
        await calls.sandbox.close()
