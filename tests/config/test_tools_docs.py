"""The examples of docs/tools.md load as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bargein.pipelines.load import Config, load
from tests.config.conftest import GOOD, REGISTRY

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tools.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(yaml|python)\n(.*?)```", re.DOTALL)
ENVIRON = {"SHOP_KEY": "hidden-value"}


def blocks(kind: str) -> Iterator[str]:
    return (text for found, text in BLOCK.findall(PAGE) if found == kind)


@pytest.fixture(autouse=True)
def files(parts_module: None) -> None:
    """Write each Python block into the file that its first line names."""
    for text in blocks("python"):
        name = text.splitlines()[0].removeprefix("# ")
        Path(name).write_text(text)


@pytest.mark.parametrize("text", list(blocks("yaml")))
def test_an_example_loads(text: str) -> None:
    config = loaded(text)
    assert config.tools or config.mcp_servers


def loaded(text: str) -> Config:
    Path("bot.yaml").write_text(GOOD + text)
    return load(Path("bot.yaml"), environ=ENVIRON, registry=REGISTRY)


def test_every_kind_of_tool_has_an_example() -> None:
    configs = [loaded(text) for text in blocks("yaml")]
    names = {tool.name for config in configs for tool in config.tools}
    assert {"weather", "find_customer", "place_order", "cancel_order"} <= names
    assert any(config.mcp_servers for config in configs)


def test_every_link_leads_somewhere() -> None:
    linked = set(re.findall(r"\]\(([a-z_]+\.md)", PAGE))
    docs = Path(__file__).resolve().parents[2] / "docs"
    assert linked
    assert not {name for name in linked if not (docs / name).exists()}
