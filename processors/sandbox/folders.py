"""Private folders of workers; those of bots that were killed are swept away by the next one."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

PREFIX = "bargein-tool-"
NAME = re.compile(rf"{PREFIX}(\d+)-\w+")
"""With the number of the bot's process."""


def make(owner: int | None) -> Path:
    """Make one that nobody but its owner may enter; None leaves it to this process's user."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    if owner is not None:
        os.chown(folder, owner, owner)
    return folder


def sweep() -> None:
    """Remove what bots have left that are no more, as far as it is this user's to remove."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        found = NAME.fullmatch(path.name)
        if found and not path.is_symlink() and not _runs(int(found[1])):
            shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
