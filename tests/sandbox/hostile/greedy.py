"""Handlers that take more than their share."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path


def forks() -> int:
    """Start processes until it is refused; give how many there were."""
    started = 0
    with suppress(OSError):
        while started < 2_000:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            started += 1
    return started


def threads() -> int:
    """Start threads until it is refused."""
    started = 0
    with suppress(RuntimeError, MemoryError):
        while started < 2_000:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            started += 1
    return started


def allocates() -> int:
    """Take 10 GB and write to each page."""
    blocks = []
    for _ in range(160):
        block = bytearray(64 << 20)
        block[::4_096] = b"x" * len(block[::4_096])
        blocks.append(block)
    return len(blocks)


def swallows_memory_errors() -> str:
    """Take memory, and go on when there is none."""
    blocks: list[bytes] = []
    while True:
        with suppress(MemoryError):
            blocks.append(b"x" * (1 << 20))


def allocates_outside_of_limits() -> int:
    """Take memory that is nobody's: shared memory by name, by number, by descriptor."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    made: int = 0
    made += libc.memfd_create(b"x", 0) >= 0
    made += libc.shmget(0, 1 << 20, 0o1600) >= 0
    made += libc.msgget(0, 0o1600) >= 0
    return int(made)


def loops() -> None:
    """Never end."""
    while True:
        pass


def ignores_signals() -> None:
    """Never end, and don't listen."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    while True:
        time.sleep(1)


def burns_on_all_cores() -> None:
    """Keep as many cores busy as there are, outside of the interpreter's lock."""
    import hashlib

    block = bytes(1 << 20)

    def burn() -> None:
        while True:
            hashlib.sha256(block).digest()

    for _ in range(4):
        threading.Thread(target=burn, daemon=True).start()
    burn()


def prints(megabytes: int) -> str:
    """Print garbage, escape sequences and halves of characters."""
    line = "\x1b[2J\x07\udcff" + "garbage " * 16_000
    for _ in range(megabytes * 8):
        print(line)
        print(line, file=sys.stderr)
    return "printed"


def prints_without_python(megabytes: int) -> str:
    """Write to the descriptors themselves."""
    block = b"garbage\n" * 16_384
    for _ in range(megabytes * 8):
        with suppress(BlockingIOError):
            os.write(1, block)
    return "printed"


def fills_a_file() -> int:
    """Write one file of 1 GB; give the MB."""
    return _fill(Path("big"), 1_024)


def fills_the_folder() -> int:
    """Write many files of 8 MB; give the MB."""
    return sum(_fill(Path(f"part{number}"), 8) for number in range(64))


def fills_devices() -> int:
    """Write to /dev and /dev/shm; give the MB."""
    return _fill(Path("/dev/big"), 64) + _fill(Path("/dev/shm/big"), 64)


def opens_files() -> int:
    """Open files until it is refused."""
    opened: list[int] = []
    with suppress(OSError):
        while len(opened) < 10_000:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    return len(opened)


def _fill(path: Path, megabytes: int) -> int:
    written, block = 0, bytes(1 << 20)
    with suppress(OSError), path.open("wb", buffering=0) as file:
        for _ in range(megabytes):
            written += file.write(block)
    return written >> 20
