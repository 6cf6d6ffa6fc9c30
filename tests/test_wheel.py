"""A wheel holds the root folders as packages of bargein, and the client as its data."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parent.parent
ORDERS = "orders.jsonl"
"""What the bakery's bot writes when it is run from here."""
FOLDERS = ("configs", "pipelines", "processors", "transports")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel and list it."""
    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel"))))
    with zipfile.ZipFile(built) as wheel:
        return set(wheel.namelist())


def shipped(folder: Path) -> set[str]:
    """Files of a folder that belong into the wheel."""
    return {
        str(path.relative_to(folder.parent))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ORDERS
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_root_folder_is_a_package_of_bargein(folder: str, names: set[str]) -> None:
    assert {f"bargein/{name}" for name in shipped(ROOT / folder)} <= names


def test_the_client_is_complete(names: set[str]) -> None:
    client = "bargein/transports/client"
    for name in ("index.html", "client.js", "engine/silero.wasm", "engine/silero16k.f24"):
        assert f"{client}/{name}" in names


def test_nothing_stands_at_the_top_that_a_users_folder_could_shadow(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bargein"}
