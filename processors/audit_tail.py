"""How an audit's file was left: its last line, and whether it is as it was written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bargein.tools.audit import Head, Line, Seal, read_line
from bargein.tools.audit_check import torn_reason

NEW_LINE = b"\n"
HEAD_SUFFIX = ".head"
HEAD_FIELDS = 3
MAX_HEAD_BYTES = 200
STEP_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Left:
    """What was found at the end of a file."""

    known: Head
    """The last line that is known to have been written."""
    size_bytes: int
    last: Line | None = None
    """The last whole line; None where nobody looked, or it can't be read."""
    torn: bytes = b""
    """What stands behind it: half a line."""
    separator: bytes = b""
    """What must stand before the next line."""
    looked: bool = False

    @property
    def head(self) -> Head:
        """What the next line follows on."""
        return max(self.known, self.last.head, key=_seq) if self.last else self.known

    def odd(self, seal: Seal) -> str:
        """Say how the file differs from how it was left; empty if it does not."""
        if not self.looked:
            return ""
        said = [torn_reason(self.torn, seal)] if self.torn else []
        seq = self.last.entry.seq if self.last else 0
        if seq < self.known.seq:
            here = f"the last one is {seq}" if seq else "it is new, or its end can't be read"
            said.append(f"line {self.known.seq} had been written, but in this file {here}")
        return "; ".join(said)


def look(descriptor: int, lock: int, remembered: Head) -> Left:
    """See how a file was left; it is read only where it has another size than it had."""
    size_bytes = os.fstat(descriptor).st_size
    told, told_bytes = _read_head(os.pread(lock, MAX_HEAD_BYTES, 0))
    known = max(told, remembered, key=_seq)
    if size_bytes == told_bytes and known == told:
        return Left(known, size_bytes)
    return read_end(descriptor, known)


def read_end(descriptor: int, known: Head = Head()) -> Left:  # noqa: B008  (frozen)
    """Read the last line of a file, and what stands behind it."""
    size_bytes = os.fstat(descriptor).st_size
    data, at = b"", size_bytes
    while at > 0 and data.count(NEW_LINE) < 2:
        step = min(STEP_BYTES, at)
        at -= step
        data = os.pread(descriptor, step, at) + data
    *whole, torn = data.split(NEW_LINE)
    separator = NEW_LINE if torn else b""
    if torn and (last := _read(torn)):  # it lacks nothing but its end
        return Left(known, size_bytes, last, b"", separator, looked=True)
    last = _read(whole[-1]) if whole else None
    return Left(known, size_bytes, last, torn, separator, looked=True)


def head_path(path: Path) -> Path:
    """Give the file beside an audit that is its lock, and says where it ended."""
    return path.with_name(path.name + HEAD_SUFFIX)


def read_head(path: Path) -> Head | None:
    """Give the head that the file beside an audit tells, if there is one."""
    try:
        told, _ = _read_head(head_path(path).read_bytes()[:MAX_HEAD_BYTES])
    except OSError:
        return None
    return told if told.seq else None


def head_line(head: Head, size_bytes: int) -> bytes:
    """Write what `read_head` reads."""
    return f"{head.seq} {head.hash} {size_bytes}\n".encode()


def older_parts(path: Path) -> list[Path]:
    """List the files that were this one before it became too large, oldest first."""
    found = {
        int(number): each
        for each in path.parent.glob(f"{path.name}.*")
        if (number := each.name.removeprefix(f"{path.name}.")).isdecimal()
    }
    return [found[number] for number in sorted(found)]


def _read_head(data: bytes) -> tuple[Head, int]:
    fields = data.decode("ascii", "replace").split()
    if len(fields) != HEAD_FIELDS or not (fields[0].isdecimal() and fields[2].isdecimal()):
        return Head(), -1  # it was never written, or half
    return Head(int(fields[0]), fields[1]), int(fields[2])


def _read(data: bytes) -> Line | None:
    try:
        return read_line(data)
    except ValueError:
        return None


def _seq(head: Head) -> int:
    return head.seq
