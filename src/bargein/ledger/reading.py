"""Reads a ledger again; a line that can't be read is named, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bargein.errors import BargeinError, Place
from bargein.ledger.entries import AnyEntry, Line


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be used, and why."""

    place: Place
    message: str

    def __str__(self) -> str:
        """Give `file:line: message`."""
        return f"{self.place.file}:{self.place.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Read:
    """A line, and where it stands."""

    place: Place
    entry: AnyEntry


def read_ledger(path: Path) -> Iterator[Read | BadLine]:
    """Give each line that is not empty; raises BargeinError if the file can't be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield _read(text, Place(str(path), number))
    except OSError as error:
        raise BargeinError(f"{path} can't be read: {error.strerror}.") from error


def _read(text: str, place: Place) -> Read | BadLine:
    try:
        return Read(place, Line.read(text.strip()))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        return BadLine(place, f"this is no line of a ledger of version 1: {reason}.")
