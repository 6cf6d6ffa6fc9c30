"""Peers run in processes of their own; whatever one does, the table is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.measure.request import Request
from bargein.pipelines.bench.peers import run_peer, scripts

REQUEST = Request("a.yaml", (), "Hello.", (), (), 1)
ANSWER = """
import sys
from bargein.measure.request import Answer, Request
Request.from_json(sys.stdin.read())
print("1/1", file=sys.stderr)
print(Answer({"them": "2"}, ()).to_json())
"""


def script(folder: Path, body: str) -> Path:
    path = folder / "run_them.py"
    path.write_text(body)
    return path


@pytest.mark.slow
async def test_a_peer_that_answers_is_a_result(tmp_path: Path) -> None:
    notes: list[str] = []
    result = await run_peer(script(tmp_path, ANSWER), REQUEST, 20, notes.append)
    assert (result.name, result.versions, result.failure) == ("them", {"them": "2"}, "")
    assert notes == ["them 1/1"]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("import sys; sys.exit('no such thing')", "failed with status 1: no such thing"),
        ("import sys; print('not installed: x', file=sys.stderr); sys.exit(3)", "not installed: x"),
        ("print('nonsense')", "gave no answer that can be read"),
        ("print('{}')", "gave no answer that can be read"),
        ("import os; os.abort()", "failed with status -6: it said nothing"),
        ("import time; time.sleep(9)", "gave no answer within 1 s"),
    ],
    ids=["fails", "is not installed", "talks nonsense", "says too little", "crashes", "hangs"],
)
async def test_a_peer_that_fails_is_a_line(tmp_path: Path, body: str, failure: str) -> None:
    within_s = 1 if "sleep" in body else 20
    result = await run_peer(script(tmp_path, body), REQUEST, within_s, lambda _: None)
    assert result.failure.startswith(failure)


def test_every_script_called_run_is_a_peer(tmp_path: Path) -> None:
    for name in ("run_b.py", "run_a.py", "stock.py"):
        (tmp_path / name).touch()
    assert [path.name for path in scripts(tmp_path)] == ["run_a.py", "run_b.py"]
