"""Progress of a bench: one line on stderr, and no log of its many conversations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loguru import logger

Note = Callable[[str], None]
"""Takes a line of progress."""


@contextmanager
def quietly() -> Iterator[None]:
    """Log errors alone: the log of many conversations tells nobody anything."""
    logger.remove()
    handler = logger.add(sys.stderr, level="ERROR", diagnose=False)
    try:
        yield
    finally:
        logger.remove(handler)
        if sys.stderr.isatty():
            print(file=sys.stderr)


def note_line(text: str) -> None:
    """Show progress: over the last line on a terminal, else on a line of its own."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
