"""Which lines of an audit somebody wants to see, and how they look."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bargein.errors import BargeinError
from bargein.tools.audit import Entry, Event, Line
from bargein.tools.audit_check import Checked

COLUMNS = ("seq", "at", "session", "identity", "event", "tool", "call", "code", "ms", "what")
SESSION_CHARACTERS = 8
WHAT_CHARACTERS = 80
NAME_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is shown; None takes all."""

    session: str | None = None
    """Its id, or how it begins."""
    identity: str | None = None
    tool: str | None = None
    events: frozenset[str] = frozenset()
    """Empty takes all."""
    since: datetime | None = None
    until: datetime | None = None
    """Up to this moment, without it."""

    def takes(self, entry: Entry) -> bool:
        """Whether a line is shown."""
        at = datetime.fromisoformat(entry.at)
        return (
            (self.session is None or entry.session.startswith(self.session))
            and self.identity in (None, entry.identity)
            and self.tool in (None, entry.tool)
            and (not self.events or entry.event in self.events)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


def wanted(
    *,
    session: str | None = None,
    identity: str | None = None,
    tool: str | None = None,
    events: Iterable[str] = (),
    since: str | None = None,
    until: str | None = None,
) -> Wanted:
    """Read what was asked for; BargeinError names what can't be read."""
    known = [each.value for each in Event]
    if unknown := [each for each in events if each not in known]:
        raise BargeinError(f"--event: {unknown[0]!r} is none. Known: {', '.join(known)}.")
    return Wanted(
        session,
        identity,
        tool,
        frozenset(events),
        _moment("--since", since),
        _moment("--until", until),
    )


def to_json(lines: Iterable[Line]) -> str:
    """Give lines as they stand in the file."""
    return "\n".join(f'{line.body.decode()},"hash":"{line.hash}"}}' for line in lines)


def to_summary(found: Checked, shown: int) -> str:
    """Say how far the chain holds."""
    count = len(found.lines)
    told = [f"note: {note}" for note in found.notes]
    held = f"breaks behind line {found.head.seq}" if found.broken else "holds"
    told.append(f"{shown} of {count} lines shown. The chain {held}.")
    told.append(f"Head: {found.head.hash}")
    return "\n".join(told)


def _moment(option: str, text: str | None) -> datetime | None:
    """Read a day or a time; it is UTC unless it says otherwise."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        said = f"{option}: {text!r} is no time; write 2026-11-21 or 2026-11-21T14:30."
        raise BargeinError(said) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def to_table(lines: Iterable[Line]) -> str:
    """Give lines as a table; what can't be printed in a terminal is escaped."""
    rows = [COLUMNS, *(_row(line.entry) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(entry: Entry) -> tuple[str, ...]:
    cells = (
        str(entry.seq),
        entry.at[:23].replace("T", " "),
        entry.session[:SESSION_CHARACTERS],
        _short(entry.identity, NAME_CHARACTERS),
        entry.event.value,
        _short(entry.tool, NAME_CHARACTERS),
        _short(entry.call_id, NAME_CHARACTERS),
        entry.code,
        "" if entry.duration_ms is None else f"{entry.duration_ms:.0f}",
        _short(_what(entry), WHAT_CHARACTERS),
    )
    return tuple(_printable(cell) for cell in cells)


def _what(entry: Entry) -> str:
    if entry.arguments is not None:
        told = json.dumps(entry.arguments, ensure_ascii=False)
        return f"{told} {entry.reason}" if entry.reason else told
    unread = f"({entry.arguments_bytes} bytes)" if entry.arguments_bytes is not None else ""
    return " ".join(filter(None, (unread, entry.reason)))


def _short(text: str, most_characters: int) -> str:
    return text if len(text) <= most_characters else text[: most_characters - 1] + "…"


def _printable(text: str) -> str:
    """An LLM may have written what moves a terminal's cursor."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
