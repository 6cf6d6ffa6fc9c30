"""Which files are shown to a worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bargein.processors.sandbox import visible as module
from bargein.processors.sandbox.visible import visible
from bargein.tools.tool import Permissions, PythonHandler


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Path]:
    """Give a bot's folder with a handler, a package and a key."""
    (tmp_path / ".env").write_text("KEY=1")
    (tmp_path / "order.py").write_text("")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    module._python.cache_clear()
    yield tmp_path
    module._python.cache_clear()


def shows(paths: tuple[str, ...], path: Path) -> bool:
    """Whether this path can be seen."""
    return any(path.is_relative_to(each) for each in paths)


def test_of_a_file_only_the_file_is_shown(bot: Path) -> None:
    seen = visible(PythonHandler(str(bot / "order.py"), "order"), Permissions())
    assert shows(seen.read, bot / "order.py")
    assert not shows(seen.read, bot / ".env")
    assert not shows(seen.read, bot / "shop")


def test_of_a_package_its_folder_is_shown(bot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(bot)
    seen = visible(PythonHandler("shop.orders", "order"), Permissions())
    assert shows(seen.read, bot / "shop" / "orders.py")
    assert not shows(seen.read, bot / ".env")
    assert str(bot) in seen.search_path


def test_an_environment_made_in_the_bots_folder_does_not_show_it(
    bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bot / "lib").mkdir()
    monkeypatch.setattr(sys, "prefix", str(bot))
    seen = visible(PythonHandler(str(bot / "order.py"), "order"), Permissions())
    assert shows(seen.read, bot / "lib" / "python3" / "site-packages")
    assert not shows(seen.read, bot / ".env")


def test_the_folder_that_the_bot_was_started_from_is_not_shown(
    bot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(bot)
    seen = visible(PythonHandler(str(bot / "order.py"), "order"), Permissions())
    assert str(bot) not in seen.search_path
