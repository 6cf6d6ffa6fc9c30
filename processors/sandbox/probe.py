"""What a hostile tool would try, tried at the start in a worker: what gets through is not held.

Runs inside; imports the standard library alone. Nothing here does harm where it succeeds.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

CONNECT_WITHIN_S = 10.0
"""Ample: a busy machine must not make a way look bad. What is refused is refused at once."""
MB = 1 << 20
FILES = 3


def attempts(
    *,
    own_environ: str,
    victim: int,
    outside: str,
    tcp: list[Any],
    udp: list[Any],
    abstract: str,
    forks: int,
    memory_mb: int,
    file_mb: int,
) -> dict[str, Any]:
    """Try everything, each at what the bot has put there for it; gives what it got."""
    with suppress(OSError):
        os.kill(victim, signal.SIGKILL)
    return {
        "environment": sorted(os.environ),
        "memory_read": _finds_environ(own_environ),
        "file_read": _works(lambda: (Path(outside) / "readable").read_bytes()),
        "file_written": _works(lambda: (Path(outside) / "written").write_bytes(b"")),
        "connected": connects(tcp) or _sends(udp) or _connects_unix(abstract),
        "forks": _forks(forks),
        "allocated": _works(lambda: mmap.mmap(-1, memory_mb * MB).close()),
        "file_mb": _writes(1, file_mb + 1),
        "folder_mb": _writes(FILES, file_mb),
    }


def connects(address: list[Any]) -> bool:
    """Whether a TCP connection to this address comes about and its first byte arrives."""
    try:
        with socket.create_connection(tuple(address), CONNECT_WITHIN_S) as made:
            return bool(made.recv(1))
    except OSError:
        return False


def reach(*, permitted: list[Any], others: list[list[Any]]) -> dict[str, bool]:
    """Try the one place that is permitted, and others."""
    return {"permitted": connects(permitted), "others": any(map(connects, others))}


def go_on_for_ever() -> None:
    """Take all the time there is, and don't listen."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.monotonic()


def _works(attempt: Any) -> bool:
    try:
        attempt()
    except (OSError, MemoryError, ValueError):
        return False
    return True


def _finds_environ(digest: str) -> bool:
    """Whether the variables of the bot can be read, under whichever number it goes here."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                return True
    return False


def _sends(address: list[Any]) -> bool:
    """Send a datagram; whether it arrives only the bot can say."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"!", tuple(address))
    return False


def _connects_unix(name: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.connect(name)
            return True
    except (OSError, AttributeError):
        return False


def _forks(most: int) -> int:
    """Start so many processes that only wait, and let them end."""
    waiting, going_on = os.pipe()
    started = 0
    with suppress(OSError):
        for _ in range(most):
            if os.fork() == 0:
                os.close(going_on)
                os.read(waiting, 1)
                os._exit(0)
            started += 1
    os.close(going_on)
    for _ in range(started):
        os.wait()
    os.close(waiting)
    return started


def _writes(files: int, each_mb: int) -> int:
    """Fill the private folder; gives the MB that it took."""
    written, block = 0, bytes(MB)
    made = [Path(f"probe{number}") for number in range(files)]
    for path in made:
        with suppress(OSError), path.open("wb", buffering=0) as file:
            for _ in range(each_mb):
                written += file.write(block)
    for path in made:
        with suppress(OSError):
            path.unlink()
    return written // MB
