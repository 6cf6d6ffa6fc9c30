"""The audit of a bot: opened for its sessions, and read again by `bargein audit`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bargein.errors import BargeinError, Place
from bargein.processors.audit_file import AuditFile
from bargein.processors.audit_tail import NEW_LINE, older_parts, read_head
from bargein.tools.audit import BEGINNING, Seal
from bargein.tools.audit_check import Checked, Raw, check, cut_behind

KEY = "BARGEIN_AUDIT_KEY"
"""The environment's name for what the hashes are keyed with."""
MIN_KEY_CHARACTERS = 16


@contextmanager
def open_audit(
    path: Path | None, environ: Mapping[str, str], *, max_mb: float = 100
) -> Iterator[AuditFile | None]:
    """Open the audit of a bot, if it keeps one; for as many sessions as there are.

    Raises AuditError if it can't be written, BargeinError if its key is too short.
    """
    if path is None:
        yield None
        return
    with AuditFile(path, key=key_of(environ), max_mb=max_mb) as file:
        yield file


def key_of(environ: Mapping[str, str]) -> bytes | None:
    """Give the key, if there is one."""
    key = environ.get(KEY, "").strip()
    if key and len(key) < MIN_KEY_CHARACTERS:
        raise BargeinError(
            f"{KEY} is shorter than {MIN_KEY_CHARACTERS} characters: it could be guessed. "
            "`openssl rand -hex 32` makes one."
        )
    return key.encode() or None


def read_audit(
    path: Path, environ: Mapping[str, str], *, after: str | None = None, head: str | None = None
) -> Checked:
    """Read a file and the older parts of it, and hold them against their chain.

    `after` is the hash that the oldest part follows on, where older ones are elsewhere; `head` is
    one that must be in it. Raises BargeinError if it can't be read.
    """
    beside = read_head(path)  # before the file: somebody may be appending to it
    found = check(_raw(path), Seal(key_of(environ)), after=after or BEGINNING)
    for wanted in (head, beside.hash if beside else None):
        if wanted and not found.broken:
            found.broken = cut_behind(found, wanted, Place(str(path)))
    return found


def _raw(path: Path) -> Iterator[Raw]:
    for each in [*older_parts(path), path]:
        try:
            with each.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    is_whole = line.endswith(NEW_LINE)
                    place = Place(str(each), number)
                    yield Raw(place, line.removesuffix(NEW_LINE), is_whole)
        except OSError as error:
            raise BargeinError(f"{each} can't be read: {error.strerror}.") from error
