"""Configuration files are read from disk, each laid over the one that it extends."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bargein.config.document import parse_table
from bargein.config.overlay import lay_over
from bargein.config.problems import Problem
from bargein.config.tree import Scalar, Table
from bargein.config.variables import substitute
from bargein.errors import Place
from bargein.pipelines.text_files import read_text
from bargein.pipelines.tool_files import with_tool_files


def read_files(path: Path, environ: Mapping[str, str], found: list[Problem]) -> Table | None:
    """Read a file and all that it extends; None, with the reasons in `found`, if one is broken."""
    return _read(path, Place(str(path)), "", environ, (), found)


def _read(
    path: Path,
    blamed: Place,
    prefix: str,
    environ: Mapping[str, str],
    above: Sequence[Path],
    found: list[Problem],
) -> Table | None:
    """Read one file; `blamed` is who named it, `above` are the files that led here."""
    circle = [*above, path]
    if any(path.resolve() == upper.resolve() for upper in above):
        chain = " -> ".join(str(link) for link in circle)
        found.append(Problem(blamed, f"{prefix}the files go in a circle: {chain}. Break it."))
        return None
    text = read_text(path, blamed, prefix, found)
    if text is None:
        return None
    table = parse_table(text, str(path), str(path.parent), found)
    if table is not None:
        table = with_tool_files(table, environ, found)
    if table is None or "extends" not in table.entries:
        return table
    extends = substitute(table.entries["extends"].node, environ, found)
    rest = table.without("extends")
    if not isinstance(extends, Scalar) or not isinstance(extends.value, str) or not extends.value:
        message = "extends: must be the path of one YAML file. Paths start at this file's folder."
        found.append(Problem(extends.place, message))
        return rest
    below = Path(os.path.normpath(path.parent / Path(extends.value).expanduser()))
    base = _read(below, extends.place, "extends: ", environ, circle, found)
    return lay_over(base, rest, found) if base else None
