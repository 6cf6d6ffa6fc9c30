"""`bargein docs DIR` writes the pages, and those that ship are in step with the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein.cli import main
from bargein.printed_docs import printed_docs

FOLDER = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("name", printed_docs())
def test_the_page_is_in_step_with_the_code(name: str) -> None:
    page = FOLDER / name
    in_step = page.is_file() and page.read_text(encoding="utf-8") == printed_docs()[name]
    assert in_step, f"docs/{name} is not what the code says: run `bargein docs docs` and commit it"


def test_all_pages_are_written_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "docs"
    result = CliRunner().invoke(main, ["docs", str(folder)])
    assert result.exit_code == 0, result.output
    names = {*printed_docs(), "configuration.md"}
    assert set(result.output.split()) == {str(folder / name) for name in names}
    assert {path.name for path in folder.iterdir()} == names


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "docs"
    taken.write_text("")
    result = CliRunner().invoke(main, ["docs", str(taken)])
    assert result.exit_code == 2
    assert taken.name in result.output
