"""Tools that take all they can get until they are killed: a load for the voice."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

MB = 1 << 20
CORES = os.cpu_count() or 1


def nothing() -> None:
    """Show what a call costs."""


def loop() -> None:
    """Keep one core busy with Python."""
    while True:
        time.monotonic()


def burn() -> None:
    """Keep all cores busy, outside of the interpreter's lock."""
    block = bytes(MB)

    def hash_for_ever() -> None:
        while True:
            hashlib.sha256(block).digest()

    for _ in range(CORES):
        threading.Thread(target=hash_for_ever, daemon=True).start()
    hash_for_ever()


def fork() -> None:
    """Start processes and threads for as long as it lives."""
    while True:
        with suppress(OSError):
            if os.fork() == 0:
                loop()
        with suppress(RuntimeError):
            threading.Thread(target=loop, daemon=True).start()


def allocate() -> None:
    """Take memory, and use it, until there is none; then again."""
    while True:
        blocks: list[bytearray] = []
        with suppress(MemoryError):
            while True:
                blocks.append(bytearray(os.urandom(MB)))


def print_garbage() -> None:
    """Print for as long as it lives."""
    line = "garbage " * 8_192
    while True:
        print(line)
        print(line, file=sys.stderr)
        with suppress(BlockingIOError):
            os.write(1, line.encode())


def fill_the_disk() -> None:
    """Write until the folder is full, and begin anew."""
    block = os.urandom(MB)
    while True:
        for number in range(64):
            with suppress(OSError):
                Path(f"part{number}").write_bytes(block)
        for path in Path().iterdir():
            path.unlink()
