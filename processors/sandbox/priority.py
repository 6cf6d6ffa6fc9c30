"""A tool gets what the voice leaves of the CPU."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

NICE = 10
"""A tenth of the CPU of whoever else wants it."""
TRIES, BETWEEN_TRIES_S = 5, 0.11
"""Linux lets ordinary users say so only once in 100 ms, all of them together."""


def try_to_hold_back(pid: int) -> None:
    """Lower the priority of a process that has just been started: its start is quiet, too."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        _autogroup(pid).write_text(str(NICE))


def step_back(pid: int) -> None:
    """Lower the priority of this process for certain, wherever it can be; 0 is this one.

    Linux shares the CPU between sessions first, and a worker is a session of its own; there nice
    counts only as written to its autogroup.
    """
    os.setpriority(os.PRIO_PROCESS, pid, max(NICE, os.getpriority(os.PRIO_PROCESS, pid)))
    with suppress(OSError):
        for _ in range(TRIES):
            if _autogroup(pid).read_text().rstrip().endswith(f"nice {NICE}"):
                return
            try:
                _autogroup(pid).write_text(str(NICE))
            except BlockingIOError:
                time.sleep(BETWEEN_TRIES_S)


def _autogroup(pid: int) -> Path:
    return Path("/proc") / (str(pid) if pid else "self") / "autogroup"
