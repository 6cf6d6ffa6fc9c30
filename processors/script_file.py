"""Reads a script from its YAML file, and says at which lines it is wrong.

It is read by the same rules as a configuration: YAML 1.2, and every value has one place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bargein.config.document import decode, parse_table
from bargein.config.problems import InvalidConfigError, Problem
from bargein.config.tree import Table
from bargein.errors import ConfigError
from bargein.script import Script
from bargein.script_checks import Mistake, checked


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """A script that was checked, and the file that it stands in."""

    script: Script
    table: Table

    def wrong(self, mistakes: Iterable[Mistake]) -> InvalidConfigError:
        """Give the error that names mistakes which only its reader can see, each at its place."""
        return InvalidConfigError([mistake.in_table(self.table) for mistake in mistakes])


def read_script(path: Path) -> ScriptFile:
    """Read and check the script at `path`.

    Raises `InvalidConfigError` with every mistake at its place, and a `ConfigError` without a place
    if there is no file to be read.
    """
    shown = _shown(path)
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise ConfigError(f"{shown!r} is a directory; name the script in it") from None
    except OSError as error:
        raise ConfigError(
            f"the script {shown!r} cannot be read ({error.strerror}); write the path of a script"
            " such as configs/cafe.yaml"
        ) from None
    found: list[Problem] = []
    text = decode(content, shown, found)
    table = (
        None
        if text is None
        else parse_table(text, shown, str(path.parent), found, keys="name, fallback, topics")
    )
    script = checked(table, found) if table else None
    if found or table is None or script is None:
        raise InvalidConfigError(found)
    return ScriptFile(script, table)


def load_script(path: Path) -> Script:
    """Read and check the script at `path`; raises as `read_script` does."""
    return read_script(path).script


def _shown(path: Path) -> str:
    """Name a file below the working directory as one would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
