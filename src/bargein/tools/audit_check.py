"""Holds an audit against its chain, and says where it breaks first and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from bargein.errors import Place
from bargein.tools.audit import BEGINNING, HMAC_SHA256, Event, Head, Line, Seal, read_line


class Fault(StrEnum):
    """What is wrong with a chain."""

    CHANGED = "changed"
    """A line, or what it follows on, is not what was written."""
    MISSING = "missing"
    """Lines are not there."""
    REORDERED = "reordered"
    """A line stands at another place than it was written at, or twice."""
    CUT = "cut"
    """The last line is half a line: a crash while it was written, or somebody's knife."""
    OTHER_SEAL = "other_seal"
    """The hash is of another kind: there is a key that is not given, or none where one is."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place that does not hold."""

    place: Place
    fault: Fault
    message: str

    def __str__(self) -> str:
        """Give `file:line: fault: message`."""
        where = f"{self.place.file}:{self.place.line}" if self.place.line else self.place.file
        return f"{where}: {self.fault}: {self.message}"


@dataclass(frozen=True, slots=True)
class Raw:
    """A line as it stands in a file."""

    place: Place
    data: bytes
    is_whole: bool
    """It ends with an end of line."""


@dataclass(slots=True)
class Checked:
    """What was found; `lines` are those before the first that does not hold."""

    lines: list[Line] = field(default_factory=list)
    head: Head = field(default_factory=Head)
    notes: list[str] = field(default_factory=list)
    """What holds, and should be known: half lines that were noticed when they were made."""
    broken: Broken | None = None


def torn_reason(data: bytes, seal: Seal) -> str:
    """Give the reason of the segment that follows on half a line, so that it is vouched for."""
    return f"half a line of {len(data)} bytes stands before this one, {seal.digest(data)}"


def check(raw: Iterable[Raw], seal: Seal, *, after: str = BEGINNING) -> Checked:
    """Follow the chain from the first line; `after` is the hash that it begins behind."""
    lines, found = list(raw), Checked()
    if not lines:
        return found
    expected = Head(0, after)
    for index, each in enumerate(lines):
        line = _read(each)
        if line is None and _is_vouched_for(lines, index, seal):
            found.notes.append(f"{each.place.file}:{each.place.line}: half a line, as was noticed")
            continue
        if after != BEGINNING and index == 0 and line:
            expected = Head(line.entry.seq - 1, after)
        found.broken = _fault(each, line, expected, lines[index + 1 :], seal)
        if found.broken or line is None:
            return found
        found.lines.append(line)
        found.head = expected = line.head
    return found


def cut_behind(found: Checked, head: str, place: Place) -> Broken | None:
    """Say whether a line that is known to have been written is not there any more.

    A chain alone can't tell that its end was cut off: what is left is a whole chain.
    """
    if head == BEGINNING or any(line.hash == head for line in found.lines):
        return None
    message = f"no line has the hash {head}: the end was cut off, or it is another audit."
    return Broken(place, Fault.MISSING, message)


def _read(raw: Raw) -> Line | None:
    try:
        return read_line(raw.data)
    except ValueError:
        return None


def _fault(
    raw: Raw, line: Line | None, expected: Head, later: list[Raw], seal: Seal
) -> Broken | None:
    if line is None:
        if not raw.is_whole and not later:
            said = f"the last line is cut off after {len(raw.data)} bytes."
            return Broken(raw.place, Fault.CUT, said)
        return Broken(raw.place, Fault.CHANGED, "this is no line of an audit of version 1.")
    if not line.hash.startswith(f"{seal.kind}:"):
        return Broken(raw.place, Fault.OTHER_SEAL, _other_seal(line))
    seq = line.entry.seq
    if not seal.holds(line):
        return Broken(raw.place, Fault.CHANGED, f"line {seq} is not what was written.")
    if seq > expected.seq + 1:
        return _gap(raw, seq, expected, later, seal)
    if seq <= expected.seq:
        return Broken(raw.place, Fault.REORDERED, f"line {seq} stands behind line {expected.seq}.")
    if line.entry.prev != expected.hash:
        said = f"line {seq} does not follow on what stands before it: that is not what was written."
        return Broken(raw.place, Fault.CHANGED, said)
    return None


def _other_seal(line: Line) -> str:
    if line.hash.startswith(HMAC_SHA256):
        return "it was written with a key. Give it in the environment as BARGEIN_AUDIT_KEY."
    return "it was written without a key, and BARGEIN_AUDIT_KEY is set: anybody may have made it."


def _gap(raw: Raw, seq: int, expected: Head, later: list[Raw], seal: Seal) -> Broken:
    wanted = expected.seq + 1
    if any(line.entry.seq == wanted and seal.holds(line) for line in _lines(later)):
        return Broken(raw.place, Fault.REORDERED, f"line {seq} stands before line {wanted}.")
    which = f"line {wanted} is" if seq == wanted + 1 else f"lines {wanted} to {seq - 1} are"
    return Broken(raw.place, Fault.MISSING, f"{which} missing before line {seq}.")


def _lines(raw: Iterable[Raw]) -> Iterator[Line]:
    return (line for line in map(_read, raw) if line)


def _is_vouched_for(lines: list[Raw], index: int, seal: Seal) -> bool:
    """Whether the line behind says that it found this one so."""
    following = next(_lines(lines[index + 1 : index + 2]), None)
    return (
        following is not None
        and following.entry.event is Event.SEGMENT
        and seal.holds(following)
        and torn_reason(lines[index].data, seal) in following.entry.reason
    )
