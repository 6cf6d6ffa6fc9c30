"""`bargein audit` says whether the chain holds, and shows what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein.cli import main
from tests.tools.audit_scenes import CALL, chain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in chain(CALL)))
    return path


def test_a_chain_that_holds_is_shown_with_its_head(path: Path) -> None:
    result = CliRunner().invoke(main, ["audit", str(path)])
    assert result.exit_code == 0, result.output
    assert "unknown_tool" in result.output
    assert "5 of 5 lines shown. The chain holds" in result.output
    head = result.output.split("Head: ")[1].split()[0]
    assert CliRunner().invoke(main, ["audit", str(path), "--head", head]).exit_code == 0
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    cut = CliRunner().invoke(main, ["audit", str(path), "--head", head])
    assert (cut.exit_code, "missing" in cut.stderr) == (1, True)


def test_a_chain_that_is_broken_is_named_at_its_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"book"', b'"cook"', 1))
    result = CliRunner().invoke(main, ["audit", str(path)])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{path}:1: changed: ")
    assert "The chain breaks behind line 0" in result.stdout


def test_json_is_the_lines_as_they_stand(path: Path) -> None:
    result = CliRunner().invoke(main, ["audit", str(path), "--json", "--event", "refused"])
    assert result.stdout.encode().strip() == path.read_bytes().splitlines()[3]
    assert json.loads(result.stdout)["code"] == "unknown_tool"


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["audit", str(tmp_path / "none")])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
