"""A reply with ten thousand calls floods neither the audit, nor the log, nor the LLM's context."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipecat.processors.aggregators.llm_context import LLMContext

from bargein.processors.audit_file import AuditFile
from bargein.processors.audit_trail import Trail
from bargein.processors.tool_calls import MOST_REFUSED, ToolCalls
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import Proposal

MUCH = 10_000


@pytest.mark.parametrize("is_stale", [True, False])
async def test_what_stands_behind_many_refused_calls_is_one_line(
    is_stale: bool, tmp_path: Path
) -> None:
    path = tmp_path / "audit.jsonl"
    with AuditFile(path) as file:
        calls = ToolCalls(ToolPolicy([]), LLMContext(), trail=Trail(file, "s", "", "bot", "d"))
        calls.take([Proposal(f"call_{n}", "nothing", {}, is_stale=is_stale) for n in range(MUCH)])
        await calls.close()
    lines = path.read_text().splitlines()
    assert len(lines) == 2 * MOST_REFUSED + 1
    assert "9,968 more calls" in "".join(lines)
    assert len(calls.flight.done) == (0 if is_stale else MOST_REFUSED)
