"""Imports go downwards only, and Pipecat stays at the edge."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("processors", "transports", "pipelines")
PACKAGE = ROOT / "src" / "bargein"
NOT_PURE = frozenset(
    {"pipecat", "asyncio", "logging", "loguru", "time", "socket", "subprocess", "threading"}
)
COMMAND = ("cli.py", "__main__.py")


def layer_of(module: str) -> int:
    """Number the layers from the bottom: pure, processors, transports, pipelines, command."""
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else ""
    if name in FOLDERS:
        return FOLDERS.index(name) + 1
    return len(FOLDERS) + 1 if name in ("cli", "__main__") else 0


def sources() -> list[tuple[str, Path]]:
    """List every module of ours with its file."""
    pure = [
        path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in FOLDERS
    ]
    found = [(path.relative_to(PACKAGE.parent), path) for path in pure]
    for folder in FOLDERS:
        found += [
            (Path("bargein") / path.relative_to(ROOT), path)
            for path in (ROOT / folder).rglob("*.py")
        ]
    return [(".".join(name.with_suffix("").parts), path) for name, path in found]


def imports_of(path: Path) -> set[str]:
    """Name every module that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names.add(str(node.module))
    return names


def test_there_is_something_in_every_layer() -> None:
    assert {layer_of(module) for module, _ in sources()} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_imports_go_downwards_only(module: str, path: Path) -> None:
    upward = {
        name
        for name in imports_of(path)
        if name.split(".")[0] == "bargein" and layer_of(name) > layer_of(module)
    }
    assert not upward, f"{path} imports {upward}, which stands above it"


@pytest.mark.parametrize(
    ("module", "path"),
    [(module, path) for module, path in sources() if layer_of(module) == 0],
    ids=[module for module, _ in sources() if layer_of(module) == 0],
)
def test_what_decides_is_pure(module: str, path: Path) -> None:
    impure = {name.split(".")[0] for name in imports_of(path)} & NOT_PURE
    assert not impure, f"{path} imports {impure}; that belongs into {FOLDERS}"


def test_the_command_line_does_not_import_pipecat() -> None:
    for name in COMMAND:
        roots = {imported.split(".")[0] for imported in imports_of(PACKAGE / name)}
        assert "pipecat" not in roots


@pytest.mark.parametrize("folder", [*FOLDERS, "configs"])
def test_the_package_links_to_the_root_folders(folder: str) -> None:
    assert (PACKAGE / folder).is_symlink()
    assert (PACKAGE / folder).resolve() == ROOT / folder
