"""What a tool says for the log: short, in plain characters, without the keys that it was given."""

from __future__ import annotations

import os

from bargein.tools.tool import Permissions

MOST_LINES, MOST_LINE_CHARS = 20, 300
MASK = "***"


def loggable(text: str, permissions: Permissions) -> str:
    """Give at most 20 lines of at most 300 characters, with the permitted variables masked."""
    for name in permissions.env:
        if value := os.environ.get(name):
            text = text.replace(value, MASK)
    lines = [_plain(line) for line in text.splitlines() if line.strip()]
    dropped = len(lines) - MOST_LINES
    more = [f"({dropped} more lines)"] if dropped > 0 else []
    return "\n".join([*lines[:MOST_LINES], *more])


def _plain(line: str) -> str:
    """Drop what a terminal would obey."""
    shown = "".join(each if each.isprintable() else "?" for each in line[:MOST_LINE_CHARS])
    return shown + ("..." if len(line) > MOST_LINE_CHARS else "")
