"""The file takes lines from any number of sessions, and never keeps anybody waiting."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from loguru import logger

from bargein.ledger.entries import Line, Stages, Turn
from bargein.ledger.reading import BadLine, Read, read_ledger
from bargein.ledger.recorder import Recorder
from bargein.ledger.watcher import Watcher
from bargein.ledger_docs import ledger_schema
from bargein.processors.ledger_file import WAITING_LINES, LedgerFile
from bargein.processors.ledger_guard import LedgerGuard
from tests.ledger_scenes import BEGAN_MS

TURN = Turn(
    session="s",
    config="c",
    number=1,
    wall_time="2026-01-02T03:04:05.000+00:00",
    opened_ms=BEGAN_MS,
    stages=Stages(),
    transcript="grüß \ud800 Gott",
)


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """Gather what the log says of it."""
    lines: list[str] = []
    handler = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(handler)


def test_each_line_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    plain = TURN.model_copy(update={"transcript": "grüß Gott"})
    for _ in range(2):
        with LedgerFile(path) as ledger:
            ledger.write(plain)
    assert [Line.read(line) for line in path.read_text().splitlines()] == [plain, plain]
    assert path.stat().st_mode & 0o077 == 0, "what people said is for its owner"


def test_a_line_matches_the_schema_that_ships() -> None:
    schema = ledger_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(Line.write(TURN)))


def test_past_its_size_it_begins_anew_and_keeps_one_old_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with LedgerFile(path, max_mb=0.001) as ledger:
        for _ in range(8):
            ledger.write(TURN)
    assert path.stat().st_size <= 1000
    assert (tmp_path / "ledger.jsonl.1").stat().st_size <= 1000


def test_half_a_line_costs_only_itself(tmp_path: Path) -> None:
    # The process was killed in the middle of it, or the disk was full.
    path = tmp_path / "ledger.jsonl"
    path.write_text(Line.write(TURN)[:40])
    with LedgerFile(path) as ledger:
        ledger.write(TURN)
        ledger.write(TURN)
    half, *whole = read_ledger(path)
    assert isinstance(half, BadLine)
    assert str(half).startswith(f"{path}:1: ")
    assert all(isinstance(line, Read) for line in whole)
    assert len(whole) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /dev/full")
def test_a_full_disk_is_named_and_a_pipe_takes_lines(tmp_path: Path, errors: list[str]) -> None:
    with LedgerFile(Path("/dev/full")) as ledger:
        ledger.write(TURN)
    assert ledger.dropped == 1
    assert "No space left" in errors[0]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with LedgerFile(pipe) as ledger:
        ledger.write(TURN)
    assert Line.read(os.read(reader, 10_000).decode())
    os.close(reader)


def test_a_disk_that_refuses_is_named_once_and_costs_lines_only(
    tmp_path: Path, errors: list[str]
) -> None:
    path = tmp_path / "gone" / "ledger.jsonl"
    with LedgerFile(path) as ledger:
        ledger.write(TURN)
        ledger.write(TURN)
    assert ledger.dropped == 2
    assert len([line for line in errors if "can't be written" in line]) == 1
    assert "lacks 2 lines" in errors[-1]


def test_a_disk_that_hangs_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    with LedgerFile(tmp_path / "ledger.jsonl") as ledger:
        monkeypatch.setattr(ledger, "_append", lambda _: hangs.wait(10))
        for _ in range(WAITING_LINES + 5):
            ledger.write(TURN)
        assert ledger.dropped >= 4
        hangs.set()


def test_all_that_can_be_heard_comes_through_the_guard_to_the_recorder() -> None:
    heard = {name for name in vars(Watcher) if not name.startswith("_")}
    for each in (LedgerGuard, Recorder):
        assert heard <= vars(each).keys(), f"{each.__name__} lacks a method"


def test_a_ledger_that_fails_hears_no_more_and_the_conversation_goes_on(errors: list[str]) -> None:
    class Fails(Watcher):
        calls = 0

        def resumed(self) -> None:
            self.calls += 1
            raise ZeroDivisionError

    fails = Fails()
    guard = LedgerGuard(fails)
    guard.resumed()
    guard.resumed()
    assert fails.calls == 1
    assert len(errors) == 1
