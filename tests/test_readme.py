"""What the README shows is what there is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bargein.cli import main
from bargein.pipelines.load import Config, load

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
MOST_LINES = 150


def block(language: str) -> str:
    """The README's first code block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


def loaded(path: Path) -> Config:
    """A config with nothing in the environment."""
    pytest.importorskip("espeakng_loader", reason="the embedded voice is not installed")
    return load(path, environ={})


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_its_config_is_the_one_that_make_run_serves(tmp_path: Path) -> None:
    shutil.copy(ROOT / "configs" / "cafe.yaml", tmp_path)
    shown = tmp_path / "shown.yaml"
    shown.write_text(block("yaml"))
    assert loaded(shown).digest == loaded(ROOT / "configs" / "local.yaml").digest


def test_its_processor_loads_as_the_yaml_names_it(tmp_path: Path) -> None:
    (tmp_path / "shout.py").write_text(block("python"))
    shutil.copy(ROOT / "configs" / "cafe.yaml", tmp_path)
    with_it = block("yaml").replace("  - use: clauses", "  - ./shout.py:Shout\n  - clauses")
    (tmp_path / "my.yaml").write_text(with_it)
    config = loaded(tmp_path / "my.yaml")
    assert type(config.parts[4].build()).__name__ == "Shout"


@pytest.mark.parametrize("name", re.findall(r"^\.venv/bin/bargein (\w+)", README, re.MULTILINE))
def test_its_commands_exist(name: str) -> None:
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("link", re.findall(r"(?:\]\(|src=\")([a-z][\w.-]*/[\w./-]+)", README))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
