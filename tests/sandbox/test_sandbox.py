"""Spares, places, cancellation: how calls share what there is."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bargein.errors import PartError
from bargein.processors.sandbox import sandbox as module
from bargein.processors.sandbox.outcome import Failed, Failure, Returned
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.prepared import Prepared
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.tool import Permissions, PythonHandler
from tests.sandbox.calls import HOSTILE, NOTHING, PATIENT, Calls
from tests.sandbox.conftest import best_grounds


def plain(function: str) -> PythonHandler:
    """Give a handler of an ordinary tool."""
    return PythonHandler(str(HOSTILE / "plain.py"), function)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Give one with two places and spares."""
    made = Sandbox(Protections(best_grounds()[0], ()), most_at_once=2)
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize(("name", "result"), [("add", {"sum": 5}), ("add_later", 5)])
async def test_a_function_is_called_with_its_arguments_by_name(
    calls: Calls, name: str, result: object
) -> None:
    assert await calls.returned(f"plain.{name}", {"a": 2, "b": 3}) == result


async def test_a_function_of_an_installed_package_is_called(calls: Calls) -> None:
    handler = PythonHandler("json", "dumps")
    outcome = await calls.sandbox.run(handler, {"obj": [1]}, PATIENT, NOTHING)
    assert isinstance(outcome, Returned)
    assert outcome.value == "[1]"


@pytest.mark.parametrize("name", ["json", "calendar", "socket"])
async def test_a_file_may_be_called_as_a_library_is(calls: Calls, name: str) -> None:
    file = calls.folder / f"{name}.py"
    file.write_text("def loads(text):\n    import email, json\n    return json.loads(text)\n")
    handler = PythonHandler(str(file), "loads")
    outcome = await calls.sandbox.run(handler, {"text": "[1]"}, PATIENT, NOTHING)
    assert isinstance(outcome, Returned)
    assert outcome.value == [1]


async def test_no_call_finds_anything_of_the_call_before(sandbox: Sandbox) -> None:
    for _ in range(2):
        outcome = await sandbox.run(plain("keeps"), {"text": "x"}, PATIENT, NOTHING)
        assert isinstance(outcome, Returned)
        assert "kept" not in outcome.value


async def test_a_spare_has_imported_its_function_before_the_call(sandbox: Sandbox) -> None:
    await sandbox.warm([Job(plain("imported_at"), PATIENT)])
    called_at = time.monotonic()
    outcome = await sandbox.run(plain("imported_at"), {}, PATIENT, NOTHING)
    assert isinstance(outcome, Returned)
    assert outcome.value < called_at


async def test_a_spare_that_died_is_replaced_before_the_call(sandbox: Sandbox) -> None:
    job = Job(plain("add"), PATIENT)
    await sandbox.warm([job])
    worker = await sandbox._spares[job]
    os.kill(worker.pid, signal.SIGKILL)
    await worker._process.ended()
    outcome = await sandbox.run(plain("add"), {"a": 1, "b": 1}, PATIENT, NOTHING)
    assert isinstance(outcome, Returned)


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (PythonHandler("/nowhere/tool.py", "add"), "there is no file /nowhere/tool.py"),
        (PythonHandler("no_such_package.tools", "add"), "there is no module 'no_such_package'"),
        (plain("substract"), "has no attribute 'substract'"),
        (plain("IMPORTED_AT"), "is not a function"),
    ],
)
async def test_what_can_not_be_prepared_is_said_beforehand(
    sandbox: Sandbox, handler: PythonHandler, why: str
) -> None:
    with pytest.raises(PartError, match=why):
        await sandbox.warm([Job(handler)])
    outcome = await sandbox.run(handler, {}, PATIENT, NOTHING)
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.UNAVAILABLE


async def test_a_path_that_is_not_there_is_said_beforehand(sandbox: Sandbox) -> None:
    nowhere = Permissions(read=(Path("/nowhere"),))
    with pytest.raises(PartError, match=r"permissions\.read: there is no /nowhere; make it first"):
        await sandbox.warm([Job(plain("add"), PATIENT, nowhere)])


@pytest.mark.slow
async def test_a_call_that_finds_no_place_in_time_is_unavailable(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLACE_WITHIN_S", 0.1)
    waits = [
        asyncio.create_task(sandbox.run(plain("waits"), {"seconds": 60}, PATIENT, NOTHING))
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    outcome = await sandbox.run(plain("add"), {"a": 1, "b": 1}, PATIENT, NOTHING)
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.UNAVAILABLE
    for each in waits:
        each.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    outcome = await sandbox.run(plain("add"), {"a": 1, "b": 1}, PATIENT, NOTHING)
    assert isinstance(outcome, Returned), "a cancelled call gives its place back"


async def test_the_timeout_counts_from_the_call_and_not_from_the_start_of_the_process(
    calls: Calls,
) -> None:
    limits = Limits(timeout_ms=400)
    outcome = await calls.outcome("plain.waits", {"seconds": 60}, limits=limits)
    assert isinstance(outcome, Failed)
    assert outcome.code is Failure.TIMED_OUT
    assert outcome.duration_ms >= limits.timeout_ms


async def test_why_a_file_can_not_be_imported_is_told_without_keys_and_orders_to_a_terminal(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "key-of-the-shop")
    file = calls.folder / "broken.py"
    file.write_text(
        "import os\nkey = '\\x1b[2J' + os.environ['SHOP_KEY']\nprint(key)\nraise ValueError(key)\n"
    )
    job = Job(PythonHandler(str(file), "f"), PATIENT, Permissions(env=("SHOP_KEY",)))
    with pytest.raises(PartError) as told:
        await Prepared.start(job, calls.ground)
    said = str(told.value)
    assert "ValueError: ?[2J*** (broken.py:4); it said: ?[2J***" in said
