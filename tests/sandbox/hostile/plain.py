"""Handlers as people write them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

IMPORTED_AT = time.monotonic()


def add(a: int, b: int) -> dict[str, int]:
    """Do what it is there for."""
    return {"sum": a + b}


async def add_later(a: int, b: int) -> int:
    """Do it in an event loop."""
    await asyncio.sleep(0)
    return a + b


def process() -> int:
    """Say which process this is, as the handler's own user counts them."""
    return os.getuid()


def imported_at() -> float:
    """Say when this file was imported, on the clock of the machine."""
    return IMPORTED_AT


def waits(seconds: float) -> str:
    """Take its time."""
    time.sleep(seconds)
    return "waited"


def reads(path: str) -> str:
    """Read a file that it may read."""
    return Path(path).read_text()


def appends(path: str, text: str) -> str:
    """Write to a file that it may write."""
    with Path(path).open("a") as file:
        file.write(text)
    return Path(path).read_text()


def keeps(text: str) -> list[str]:
    """Leave a file in the private folder, and say what was there before."""
    before = sorted(each.name for each in Path().iterdir())
    Path("kept").write_text(text)
    return before
