"""The bench of the audit measures what was really written."""

from __future__ import annotations

from pathlib import Path

from bench.audit import measure, verified_per_s

from bargein.pipelines.audit import read_audit


async def test_a_row_is_of_lines_that_are_on_the_disk(tmp_path: Path) -> None:
    row = await measure(tmp_path, sessions=3, seconds=0.2)
    path = tmp_path / "audit-3.jsonl"
    written = len(read_audit(path, {}).lines)
    sessions, per_s, *figures = [cell.strip() for cell in row.strip("|").split("|")]
    assert (sessions, per_s) == ("3", f"{written / 0.2:.0f}")
    assert all(float(each) >= 0 for each in figures)
    assert verified_per_s(path) > 0
