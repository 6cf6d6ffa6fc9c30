"""Which files a worker sees: Python, its libraries, the function's own code, what is permitted.

Never the bot's folder as a whole: keys lie there.
"""

from __future__ import annotations

import importlib.util
import site
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from os.path import exists
from pathlib import Path

import bargein
from bargein.errors import PartError
from bargein.tools.tool import Permissions, PythonHandler

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin")
"""Where Linux keeps libraries; on most machines all but the first are links into it."""
SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
)
"""What libraries read at their start, certificates of servers among it; keys lie elsewhere."""
PARTS = ("bin", "lib", "lib64", "ssl", "share/zoneinfo", "pyvenv.cfg")
"""What Python needs of its prefix; the bot's own folder may be one, made by `python -m venv .`."""
RESOLVING = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf")
"""What finding a host by name needs in the machine's own network."""


@dataclass(frozen=True, slots=True)
class Visible:
    """Absolute paths, each at its own place; the function's modules are found in `search_path`."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    search_path: tuple[str, ...]


def visible(handler: PythonHandler, permissions: Permissions) -> Visible:
    """Give what a worker for this function sees; a PartError where something is not there."""
    code, search_path = _code_of(handler)
    read, write = _existing(permissions.read, "read"), _existing(permissions.write, "write")
    package = Path(bargein.__file__).parent
    return Visible(
        read=_without_repeats([*_python(), *map(str, code), *read]),
        write=write,
        search_path=_without_repeats([str(package.parent), *_installed(), *map(str, search_path)]),
    )


@cache
def _python() -> tuple[str, ...]:
    """Python's own folders, and this package, whose subfolders may be links."""
    prefixes = {sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix}
    installed = [str(Path(each) / name) for each in sorted(prefixes) for name in PARTS]
    if site.ENABLE_USER_SITE:
        installed.append(site.getusersitepackages())
    package = Path(bargein.__file__).parent
    linked = [path.resolve() for path in package.iterdir() if path.is_symlink() and path.is_dir()]
    return _without_repeats(filter(exists, [*installed, str(package), *map(str, linked)]))


def _installed() -> list[str]:
    """Where installed packages lie; not the folders that the bot itself was started from."""
    prefixes = tuple(map(Path, _python()))
    folders = [path for path in map(Path, sys.path) if path.is_dir()]
    return [str(each) for each in folders if any(each.is_relative_to(one) for one in prefixes)]


def _code_of(handler: PythonHandler) -> tuple[list[Path], list[Path]]:
    """The function's own file, or the folder of its package; and where modules are found."""
    if handler.is_file:
        path = Path(handler.source)
        if not path.is_file():
            raise PartError(f"there is no file {path}; correct the tool's handler")
        return [path, path.resolve()], []
    top = handler.source.split(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise PartError(f"there is no module {top!r}; install it, or correct the tool's handler")
    folders = [Path(each) for each in spec.submodule_search_locations or ()]
    if not folders and spec.has_location and spec.origin is not None:
        folders = [Path(spec.origin)]
    return folders, [each.parent for each in folders]


def _existing(paths: Iterable[Path], permission: str) -> tuple[str, ...]:
    for path in paths:
        if not path.exists():
            raise PartError(f"permissions.{permission}: there is no {path}; make it first")
    return tuple(str(path.absolute()) for path in paths)


def _without_repeats(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))
