"""A list of parts of one kind: read, shown, set and made like any part."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.config.structure import Role
from bargein.pipelines.load import load
from bargein.processors.failover import Failover, members
from tests.config.conftest import GOOD, REGISTRY

BOT = GOOD.replace("some_stt", "[some_stt, {use: some_stt, mode: exact}]\n    silent_ms: 900")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file, and the script that it names."""
    (tmp_path / "cafe.yaml").write_text("")
    found = tmp_path / "bot.yaml"
    found.write_text(BOT)
    return found


def test_it_is_one_part_of_their_kind_that_holds_them_all(path: Path) -> None:
    part = load(path, environ={}, registry=REGISTRY).parts[2]
    assert (part.use, part.role) == ("some_stt or some_stt", Role.STT)
    built = part.build()
    assert isinstance(built, Failover)
    assert [type(each).__name__ for each in members(built)] == ["Stt", "Stt"]


def test_each_of_them_is_shown_with_what_takes_effect(path: Path) -> None:
    shown = load(path, environ={}, registry=REGISTRY).effective["pipeline"]
    assert isinstance(shown, list)
    several = shown[2]
    assert isinstance(several, dict)
    assert [each["mode"] for each in several["use"]] == ["fast", "exact"]  # type: ignore[index,union-attr,call-overload]
    assert several["silent_ms"] == 900


@pytest.mark.parametrize(
    ("setting", "modes"),
    [
        ("pipeline.2.use.0.mode=exact", ["exact", "exact"]),
        ("pipeline.2.use.1.mode=fast", ["fast", "fast"]),
    ],
)
def test_one_of_them_is_set_from_the_command_line_by_its_index(
    path: Path, setting: str, modes: list[str]
) -> None:
    config = load(path, overrides=[setting], environ={}, registry=REGISTRY)
    several = config.parts[2]
    assert [each.shown["mode"] for each in several.members] == modes  # type: ignore[attr-defined]
