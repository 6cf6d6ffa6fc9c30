"""A new bot passes its own tests from the first minute, and nobody's files are overwritten."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bargein.cli import main
from bargein.pipelines.load import load

FILES = {
    "bot.yaml",
    "script.yaml",
    "spell.py",
    "test_bot.py",
    "README.md",
    "scenarios/barge-in.yaml",
}


def init(folder: Path) -> Result:
    return CliRunner().invoke(main, ["init", str(folder)])


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_writes_one_file_of_each_kind_and_says_what_to_do_next(tmp_path: Path) -> None:
    made = init(tmp_path / "tickets")
    assert made.exit_code == 0
    assert below(tmp_path / "tickets") == FILES
    assert f"bargein run {tmp_path / 'tickets' / 'bot.yaml'}" in made.output
    assert "\nname: tickets\n" in (tmp_path / "tickets" / "bot.yaml").read_text()
    assert (tmp_path / "tickets" / "README.md").read_text().startswith("# tickets\n")


def test_a_folder_that_holds_anything_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = init(tmp_path)
    assert refused.exit_code == 1
    assert "is not empty" in refused.output
    assert below(tmp_path) == {"mine.txt"}


def test_a_file_of_that_name_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bot").write_text("mine")
    refused = init(tmp_path / "bot")
    assert refused.exit_code == 1
    assert "bot is a file: nothing was written." in refused.output
    assert (tmp_path / "bot").read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    ["yes", "12", "a: b", "tea #1", 'say "hi"', "{x}${HOME}", "two\nlines", "back\\slash", "ü"],
)
def test_whatever_the_folder_is_called_so_is_the_bot(tmp_path: Path, name: str) -> None:
    made = init(tmp_path / name)
    config = load(tmp_path / name / "bot.yaml", environ={"HOME": "/home/me"})
    assert config.name == name
    assert f"\n  pytest {shlex.quote(str(tmp_path / name))}\n" in made.output


@pytest.mark.slow
def test_the_new_bot_passes_its_own_tests_and_its_rehearsal(tmp_path: Path) -> None:
    assert init(tmp_path / "bot").exit_code == 0
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "bot",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "4 passed" in ran.stdout, ran.stdout + ran.stderr
