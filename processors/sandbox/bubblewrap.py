"""The command line of bubblewrap: a file system of what is visible, and namespaces of its own.

Files that are only for one worker lie in `made`, a folder that the bot makes at its start.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bargein.processors.sandbox.visible import SETTINGS, SYSTEM, Visible

PROGRAM = "bwrap"
ASK_WITHIN_S = 5.0
BYTES_PER_MB = 1 << 20
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
"""Not bubblewrap's `--dev`: for its terminals it goes on in a second user namespace, whose rights
are none in the network, and a permitted port below 1,024 could not be listened at."""
TMP = "/tmp"
OPEN_TO_ALL = "1777"
"""The permissions of /tmp."""


@dataclass(frozen=True, slots=True)
class Room:
    """What bubblewrap makes around one worker."""

    visible: Visible
    made: tuple[tuple[Path, str], ...]
    """Files of the bot, and where the worker sees them."""
    tmp_mb: int
    capabilities: tuple[str, ...] = ()
    is_root: bool = False
    """No user namespace: the worker becomes another user, whose processes are counted."""


def found() -> str | None:
    """Where bubblewrap is; None where it is not installed."""
    return shutil.which(PROGRAM)


@cache
def limits_tmp(program: str) -> bool:
    """Whether it can bound /tmp: since 0.7."""
    asked = subprocess.run(
        [program, "--help"], capture_output=True, text=True, timeout=ASK_WITHIN_S, check=False
    )
    return "--size" in asked.stdout


def command(program: str, room: Room) -> list[str]:
    """Give the words before those of the worker."""
    return [
        program,
        *_namespaces(room),
        *("--proc", "/proc", "--tmpfs", "/dev"),
        *(word for each in DEVICES for word in ("--dev-bind", each, each)),
        *("--symlink", "/proc/self/fd", "/dev/fd"),
        *(("--size", str(room.tmp_mb * BYTES_PER_MB)) if limits_tmp(program) else ()),
        *("--perms", OPEN_TO_ALL, "--tmpfs", TMP),
        *_system(),
        *_folders(room),
        *_files(room),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", TMP, "--"),
    ]


def _namespaces(room: Room) -> list[str]:
    user = [] if room.is_root else ["--unshare-user"]
    apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    end = ["--unshare-cgroup-try", "--die-with-parent", "--hostname", "tool"]
    drop = ["--cap-drop", "ALL"]
    return [*user, *apart, *end, *drop, *_pairs("--cap-add", room.capabilities)]


def _system() -> list[str]:
    """/usr, and its neighbours as they are: links or folders."""
    words: list[str] = []
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    return words


def _folders(room: Room) -> list[str]:
    """Folders above what is visible; bubblewrap would make them for itself alone."""
    places = [*SETTINGS, *room.visible.read, *room.visible.write, *(at for _, at in room.made)]
    above = dict.fromkeys(
        parent for place in places for parent in reversed(Path(place).parents[:-1])
    )
    made = [each for each in above if str(each) != TMP and f"/{each.parts[1]}" not in SYSTEM]
    return [word for each in made for word in ("--perms", "0755", "--dir", str(each))]


def _files(room: Room) -> list[str]:
    words: list[str] = []
    for name in SETTINGS:
        words += ["--ro-bind-try", name, name]
    for path in room.visible.read:
        words += ["--ro-bind", path, path]
    for path in room.visible.write:
        words += ["--bind", path, path]
    for made, place in room.made:
        words += ["--ro-bind", str(made), place]
    return words


def _pairs(option: str, values: tuple[str, ...]) -> list[str]:
    return [word for value in values for word in (option, value)]
