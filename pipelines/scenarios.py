"""Scenarios are read from disk: files, or folders that stand for the files in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bargein.config.document import decode, parse_table
from bargein.config.problems import InvalidConfigError, Problem
from bargein.errors import Place
from bargein.rehearsal.scenario import KEYS, Written, read


def read_scenarios(paths: Sequence[Path]) -> list[Written]:
    """Read them all; raises InvalidConfigError with every mistake in any of them."""
    found: list[Problem] = []
    written = [read_scenario(path, found) for path in _files(paths, found)]
    if found:
        raise InvalidConfigError(found)
    return [each for each in written if each is not None]


def read_scenario(path: Path, found: list[Problem]) -> Written | None:
    """Read one; None, with the reasons in `found`, if it is wrong."""
    try:
        text = decode(path.read_bytes(), str(path), found)
    except OSError as error:
        found.append(Problem(Place(str(path)), f"can't be read: {error.strerror}. Mend the path."))
        return None
    if text is None:
        return None
    table = parse_table(text, str(path), str(path.parent), found, keys=KEYS)
    return read(table, path, found) if table else None


def _files(paths: Sequence[Path], found: list[Problem]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(path.glob("*.yaml"))
        if not inside:
            found.append(Problem(Place(str(path)), "there is no .yaml file in this folder."))
        files += inside
    return files
