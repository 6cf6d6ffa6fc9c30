"""What a tool may reach, held against this machine: forms, paths that are there, variables set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bargein.config.problems import Problem, guess
from bargein.config.tree import Items, Scalar, Table
from bargein.errors import Place
from bargein.tools.address import address
from bargein.tools.tool import Permissions

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRETS = ".env"
OF_THE_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev", "/run")))
"""Other processes, devices and sockets are seen there; the sandbox has its own."""


def read_permissions(
    table: Table | None,
    name: str,
    environ: Mapping[str, str],
    found: list[Problem],
) -> Permissions:
    """Check what is permitted; `table` is where it is written, `name` the path to it."""
    if table is None:
        return Permissions()
    network = _each(table, "network")
    return Permissions(
        network=tuple(_address(node, f"{name}.network", found) for node in network),
        read=tuple(_path(node, f"{name}.read", found) for node in _each(table, "read")),
        write=tuple(_path(node, f"{name}.write", found) for node in _each(table, "write")),
        env=tuple(_variable(node, f"{name}.env", environ, found) for node in _each(table, "env")),
    )


def check_paths(
    permissions: Permissions, place: Place, name: str, own: Iterable[Path], found: list[Problem]
) -> None:
    """Refuse paths by which a handler would change, or look into, what the bot itself is.

    `own` are the bot's YAML files and handlers, and the files that it keeps.
    """
    files = {path.resolve() for path in own}
    secrets = _secrets(files)
    for path in permissions.write:
        held = next(
            (each for each in (*sorted(files), *sorted(secrets)) if _holds(path, each)), None
        )
        if held:
            message = f"{str(path)!r} holds {held.name!r}, which no tool may change. Name a folder"
            found.append(Problem(place, f"{name}.write: {message} of its own."))
    for path in permissions.read:
        held = next((each for each in secrets if each.exists() and _holds(path, each)), None)
        if held:
            message = (
                f"{str(path)!r} holds {str(held)!r}, with the bot's secrets. Name the files that "
                "the tool needs; a variable is permitted by `env`."
            )
            found.append(Problem(place, f"{name}.read: {message}"))


def secret_in(package: Path, own: Iterable[Path]) -> Path | None:
    """Give the bot's secrets that lie in a handler's package, all of which the handler sees."""
    files = {path.resolve() for path in own}
    shown = (each for each in sorted(_secrets(files)) if _holds(package.resolve(), each))
    return next((each for each in shown if each.exists()), None)


def _secrets(files: set[Path]) -> set[Path]:
    """Where keys lie, if they do: beside the bot's files, and where it was started."""
    return {folder / SECRETS for folder in {path.parent for path in files} | {Path.cwd()}}


def _holds(path: Path, file: Path) -> bool:
    return file == path or path in file.parents


def _each(table: Table, key: str) -> list[Scalar]:
    listed = table.get(key)
    nodes = listed.nodes if isinstance(listed, Items) else ()
    return [node for node in nodes if isinstance(node, Scalar) and not node.is_broken]


def _address(node: Scalar, name: str, found: list[Problem]) -> str:
    try:
        return address(node.text)
    except ValueError as error:
        found.append(Problem(node.place, f"{name}: {node.text!r} {error}."))
        return node.text


def _path(node: Scalar, name: str, found: list[Problem]) -> Path:
    path = (Path(node.folder) / Path(node.text).expanduser()).resolve()
    if not path.exists():
        message = f"there is no {str(path)!r}. Make it, or mend the path; it starts at this file's"
        found.append(Problem(node.place, f"{name}: {message} folder."))
    elif _is_too_much(path):
        message = (
            f"{str(path)!r} opens more of the machine than any tool needs. Name the files, or a"
        )
        found.append(Problem(node.place, f"{name}: {message} folder of the tool's own."))
    return path


def _is_too_much(path: Path) -> bool:
    """Whether a path holds a user's home or all settings, or is a part of the system's own."""
    held = (Path.home(), Path("/etc"), *OF_THE_SYSTEM)
    within = any(_holds(folder, path) for folder in OF_THE_SYSTEM)
    return within or any(_holds(path, each) for each in held)


def _variable(node: Scalar, name: str, environ: Mapping[str, str], found: list[Problem]) -> str:
    variable = node.text
    if not _VARIABLE.fullmatch(variable):
        message = f"{variable!r} is no name of a variable. Write the name alone, like WEATHER_KEY."
        found.append(Problem(node.place, f"{name}: {message}"))
    elif variable not in environ:
        message = f"the variable {variable} is not set.{guess(variable, environ)} Set it, or take"
        found.append(Problem(node.place, f"{name}: {message} it out."))
    return variable
