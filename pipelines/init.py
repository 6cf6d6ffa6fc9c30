"""`bargein init FOLDER`: a new bot that works, with one file of each kind that a bot may have."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from bargein.errors import BargeinError

PLACEHOLDER = "my bot"
"""Stands in the starter's files where the bot's name goes."""
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
NOT_TEXT = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
"""What YAML takes for something else."""
LEFT_OUT = "__pycache__"


def write_starter(folder: Path) -> list[Path]:
    """Write the starter's files, and give their paths.

    The folder may exist if it is empty; a BargeinError says why it can't be used, and then nothing
    was written.
    """
    if folder.exists() and not folder.is_dir():
        raise BargeinError(
            f"{folder} is a file: nothing was written. Name a folder that is new, or empty."
        )
    if folder.exists() and any(folder.iterdir()):
        raise BargeinError(
            f"{folder} exists and is not empty: nothing was written. Name a folder that is new."
        )
    name = folder.resolve().name.encode(errors="replace").decode()
    written: list[Path] = []
    try:
        for path, text in _starter(files("bargein.pipelines") / "starter", Path()):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            named = in_yaml(name) if path.suffix == ".yaml" else " ".join(name.split())
            target.write_text(text.replace(PLACEHOLDER, named), encoding="utf-8")
            written.append(target)
    except OSError as error:
        raise BargeinError(f"{folder} can't be written: {error.strerror}.") from error
    return written


def in_yaml(name: str) -> str:
    """Write a name so that it is text in a YAML: `yes`, `12` and `a: b` are not, as they stand."""
    if PLAIN.fullmatch(name) and name.lower() not in NOT_TEXT:
        return name
    return json.dumps(name, ensure_ascii=False).replace("${", "$${")


def _starter(at: Traversable, below: Path) -> list[tuple[Path, str]]:
    """List the files with their texts, in the order of their names."""
    found: list[tuple[Path, str]] = []
    for item in sorted(at.iterdir(), key=lambda item: (item.is_dir(), item.name)):
        if item.name == LEFT_OUT:
            continue
        if item.is_dir():
            found += _starter(item, below / item.name)
        else:
            found.append((below / item.name, item.read_text(encoding="utf-8")))
    return found
