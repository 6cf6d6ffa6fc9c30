"""Reads a script from its YAML file, and says at which line it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from bargein.errors import ConfigError, Place
from bargein.script import KeyPath, Script, ScriptError


def load_script(path: Path) -> Script:
    """Read and check the script at `path`; raises `ConfigError` with file, line and column."""
    try:
        written = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the script cannot be read ({error.strerror}); write the path of a script such as"
            " configs/cafe.yaml",
            place=Place(str(path)),
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else Place(str(path))
        raise ConfigError(f"this is no YAML: {error.problem}", place=place) from None
    if not isinstance(written, Mapping):
        raise ConfigError("a script is a mapping of keys", place=Place(str(path), 1, 1))
    try:
        return Script.parse(written)
    except ScriptError as error:
        raise error.at(_place_of(error.key_path, path, written)) from None


def _place_of(key_path: KeyPath, path: Path, written: Any) -> Place:
    """Find the deepest part of the key path that stands in the file."""
    line, column = 0, 0
    for key in key_path:
        try:
            position = written.lc.item(key) if isinstance(key, int) else written.lc.key(key)
            written = written[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        line, column = position
    return Place(str(path), line + 1, column + 1)
