"""What a call leaves in the audit's file, and that nothing runs which can't be written there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bargein.pipelines.audit import read_audit
from bargein.processors.audit_file import AuditFile
from bargein.processors.audit_trail import Trail
from bargein.processors.meter import Meter, Spending
from bargein.processors.tool_calls import ToolCalls
from bargein.tools.audit import Entry
from bargein.tools.budget import Limits, Use
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import Admitted, Code, Proposal, Refusal
from bargein.tools.schema import Schema
from bargein.tools.tool import PythonHandler, Tool
from tests.tools.room import Room, Says, opened, tool

pytestmark = pytest.mark.pipeline

SECRET = "4000 1234"
PAY = Tool(
    "pay",
    "Pays.",
    Schema.of_arguments({"card": {"type": "string", "x-private": True}}),
    PythonHandler("shop", "pay"),
    cost=0.5,
)
ASKS = Says("One moment.", calls=(("order", {"cups": 2}),))


def remove(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()


async def order(room: Room, replies: int) -> None:
    await room.say("Two coffees please.")
    await room.until(lambda: len(room.voice.given) == replies)
    await room.quiet(0.1)


def steps(path: Path) -> list[Entry]:
    found = read_audit(path, {})
    assert found.broken is None, str(found.broken)
    return [line.entry for line in found.lines]


async def test_a_call_leaves_who_what_when_and_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditFile(path) as file:
        trail = Trail(file, "s1", "anna", "cafe", "c0ffee")
        async with opened(ASKS, Says("Here."), tools=[tool()]) as room:
            room.calls.trail = trail
            await order(room, 2)
        assert trail.digest({"number": 7}) == steps(path)[-1].result_digest
    proposed, started, returned = steps(path)
    assert [proposed.event, started.event, returned.event] == ["proposed", "started", "returned"]
    assert (proposed.arguments, proposed.session, proposed.identity) == ({"cups": 2}, "s1", "anna")
    assert len({each.call_id for each in steps(path)}) == 1
    assert returned.duration_ms is not None


async def test_what_is_private_never_reaches_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    pays = (("pay", {"card": SECRET}), ("pay", {"card": 3, SECRET: SECRET}), ("pay", f"{SECRET}{{"))
    with AuditFile(path) as file:
        async with opened(Says("So.", calls=pays), Says("Done."), tools=[PAY]) as room:
            room.calls.trail = Trail(file)
            await order(room, 2)
    assert [each.event.value for each in steps(path)].count("refused") == 2
    assert SECRET.encode() not in path.read_bytes()


async def test_what_can_not_be_recorded_does_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with AuditFile(folder / "audit.jsonl") as file:
        async with opened(ASKS, Says("I can't."), tools=[tool()]) as room:
            room.calls.trail = Trail(file)
            remove(folder)
            await order(room, 2)
            assert room.shop.ran == []
            assert any(Code.UNAVAILABLE in each for each in room.written)


async def test_a_call_that_is_cancelled_before_it_has_begun_is_recorded_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begins = ToolCalls._begin

    def then_interrupted(calls: ToolCalls, admitted: Admitted) -> None:
        begins(calls, admitted)
        calls.interrupted(heard=False)

    monkeypatch.setattr(ToolCalls, "_begin", then_interrupted)
    async with opened(ASKS, tools=[tool()]) as room:
        await order(room, 1)
        await room.until(lambda: room.notes.of("order") == ["proposed", "cancelled"])
        assert room.shop.ran == []


@pytest.mark.parametrize("closes", [True, False])
async def test_a_yes_in_a_turn_that_was_open_at_the_end_runs_nothing(closes: bool) -> None:
    asks = tool(confirm=True, question="Shall I?")
    async with opened(Says("", ASKS.calls), tools=[asks], spoken_ms=400) as room:
        await room.say("Two coffees please.")
        await room.until(lambda: room.calls.asks and room.floors[-1] == "idle")
        await room.quiet(0.15)
        await room.begin()
        closing = asyncio.create_task(room.calls.close()) if closes else None
        leaving = asyncio.create_task(room.interruption.say_last("Goodbye."))
        await room.until(lambda: room.voice.given[-1:] == ["Goodbye."])
        await room.end("Yes, please.")
        assert await leaving, "the last words are said"
        await room.quiet(0.1)
        if closing:
            await closing
        # Without the close it would run: the words were the answer to what was asked before.
        assert [name for name, _ in room.shop.ran] == ([] if closes else ["order"])


async def test_a_meter_counts_what_ran_and_the_policy_refuses_what_is_beyond() -> None:
    meter = Meter(Spending("anna", session=Limits(tool_calls=2, cost=1.2)))
    await meter.open()
    policy = ToolPolicy([PAY], allowance=meter)

    def propose(number: int) -> object:
        proposal = Proposal(f"c{number}", "pay", {"card": str(number)}, is_advertised=True)
        return policy.propose(proposal, now_ms=0)

    propose(1)
    policy.settle("c1", ran=False)
    assert meter.used == Use()
    propose(2)
    propose(3)
    assert meter.used == Use(tool_calls=2, cost=1.0)
    assert not meter.spent.is_set()
    refused = propose(4)
    assert isinstance(refused, Refusal)
    assert refused.code is Code.OVER_BUDGET
    assert meter.spent.is_set()
    assert meter.reached
    assert meter.reached.code == "session_tool_calls"
