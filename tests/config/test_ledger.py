"""The key `ledger`: where its path starts, what is refused, and what it does not change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bargein.pipelines.effective import to_yaml
from bargein.pipelines.load import Config
from tests.config.conftest import GOOD

Load = Callable[..., Config]
LEDGER = GOOD + "ledger:\n  path: out/ledger.jsonl\n"


def test_there_is_none_by_default(load_text: Load) -> None:
    assert load_text().ledger is None
    assert "ledger: null" in to_yaml(load_text())


def test_its_path_starts_at_the_folder_of_the_file_or_where_the_command_is_given(
    load_text: Load,
) -> None:
    Path("out").mkdir()
    for config in (load_text(LEDGER), load_text(GOOD, "ledger.path=out/ledger.jsonl")):
        assert config.ledger
        assert (config.ledger.path, config.ledger.words) == (Path("out/ledger.jsonl"), True)
    Path("bases").mkdir()
    Path("bases/out").mkdir()
    Path("bases/cafe.yaml").write_text("")
    Path("bases/base.yaml").write_text(LEDGER)
    over = load_text("extends: bases/base.yaml\nname: over\npipeline:\n- {use: some_stt}\n")
    assert over.ledger
    assert over.ledger.path == Path("bases/out/ledger.jsonl")


def test_where_it_is_written_does_not_change_what_the_bot_is(load_text: Load) -> None:
    Path("out").mkdir()
    assert load_text(LEDGER).digest == load_text().digest


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nowhere/ledger.jsonl", "there is no folder 'nowhere'. Make it, or mend the path."),
        (".", "'.' is a directory. Name a file in it."),
    ],
)
def test_a_file_that_could_not_be_written_is_named_at_load(
    problems_of: Callable[..., list[str]], path: str, says: str
) -> None:
    (line,) = problems_of(f"{GOOD}ledger:\n  path: {path}\n")
    assert line == f"bot.yaml:13:9: ledger.path: {says}"


def test_a_mistyped_key_is_named(problems_of: Callable[..., list[str]]) -> None:
    (line,) = problems_of(f"{GOOD}ledger: {{path: a.jsonl, word: false}}\n")
    assert "ledger: there is no key 'word' here. Did you mean 'words'?" in line
