"""The file that lines of the ledger go to, written by a thread of its own.

Whoever writes never waits: what the disk can't take in time is dropped and counted, and a
disk that refuses is one line in the log until it takes lines again.
"""

from __future__ import annotations

import io
import os
import queue
import threading
from pathlib import Path
from types import TracebackType

from loguru import logger

from bargein.ledger.entries import AnyEntry, Line

WAITING_LINES = 1_000
"""More wait only behind a disk that has stopped; a line has some 10 KB."""
MEGABYTE_BYTES = 1_000_000
CLOSE_S = 2.0
OLD_SUFFIX = ".1"
NEW_LINE = b"\n"


class LedgerFile:
    """Use as a context manager; several sessions may share one."""

    def __init__(self, path: Path, *, max_mb: float = 100) -> None:
        """Lines are appended; past `max_mb` the file becomes `<path>.1` and a new one begins."""
        self.path = path
        self.dropped = 0
        """Lines that were not written."""
        self._max_bytes = max_mb * MEGABYTE_BYTES
        self._lines: queue.Queue[AnyEntry | None] = queue.Queue(WAITING_LINES)
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def __enter__(self) -> LedgerFile:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Write what waits, within a bound."""
        try:
            self._lines.put(None, timeout=CLOSE_S)
        except queue.Full:
            pass
        else:
            self._thread.join(CLOSE_S)
        if self.dropped:
            logger.warning("the ledger {} lacks {} lines", self.path, self.dropped)

    def write(self, entry: AnyEntry) -> None:
        """Take a line; it is dropped if too many wait."""
        try:
            self._lines.put_nowait(entry)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while (entry := self._lines.get()) is not None:
            try:
                self._append(Line.write(entry))
            except (OSError, ValueError) as error:
                self.dropped += 1
                if not self._failing:
                    logger.error(
                        "the ledger {} can't be written, the conversation goes on: {}",
                        self.path,
                        error,
                    )
                self._failing = True
            else:
                self._failing = False

    def _append(self, line: str) -> None:
        data = line.encode(errors="replace")  # half a surrogate is no JSON
        self._rotate(len(data))
        # Opened for each line: a file that was moved or removed meanwhile begins anew.
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            _write_all(file, data if _ends_whole(file) else NEW_LINE + data)

    def _rotate(self, more_bytes: int) -> None:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size and size + more_bytes > self._max_bytes:
            self.path.replace(self.path.with_name(self.path.name + OLD_SUFFIX))


def _ends_whole(file: io.FileIO) -> bool:
    """Whether the file ends with a whole line: a full disk or a killed process may leave half one.

    What is appended to half a line can't be read either.
    """
    size = file.seek(0, os.SEEK_END) if file.seekable() else 0
    if not size:
        return True  # nothing yet, or a pipe
    file.seek(size - 1)
    return file.read(1) == NEW_LINE


def _write_all(file: io.FileIO, data: bytes) -> None:
    """Append it, in one piece where the disk takes it: others may append to the same file."""
    while data:
        data = data[file.write(data) :]
