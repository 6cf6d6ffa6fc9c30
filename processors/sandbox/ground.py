"""What this machine has to keep a worker apart, and which ways to try, the best first."""

from __future__ import annotations

import os
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bargein.processors.sandbox import bubblewrap, landlock, libc, seccomp

UID_MAP, PROC = Path("/proc/self/uid_map"), Path("/proc")
HIGHEST_UID = 2_147_000_000
"""Some programs take a user's number as signed."""
UIDS = 1_000_000
"""Where a container has fewer, half of those it has: the upper half."""
COUNTED_PER_NAMESPACE_SINCE = (5, 14)
"""Linux; before that a limit of processes counts all that the user runs."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One way to start a worker."""

    bubblewrap: str | None
    """The program's path; None does without."""
    changes_user: bool
    """Whether each worker becomes a user of its own, for which the bot must be root."""
    landlock: int
    """The kernel's version of it; 0 for none."""
    seccomp: bool

    @property
    def is_linux(self) -> bool:
        """Whether there are calls like prctl."""
        return sys.platform.startswith("linux")

    @property
    def uses_landlock(self) -> bool:
        """With bubblewrap a worker sees no other files anyway."""
        return self.bubblewrap is None and self.landlock > 0

    @property
    def counts_others(self) -> bool:
        """Whether what else the user runs counts against a worker's limit of processes."""
        if self.changes_user or not self.is_linux:
            return False
        return self.bubblewrap is None or _kernel() < COUNTED_PER_NAMESPACE_SINCE

    @property
    def must_close_proc(self) -> bool:
        """Whether only the bot itself can keep its memory from a worker of the same user."""
        is_apart = self.bubblewrap is not None or self.changes_user or self.uses_landlock
        return self.is_linux and not is_apart

    def __str__(self) -> str:
        """Name it for the log."""
        ways = [
            "bubblewrap" if self.bubblewrap else "",
            "a user of its own" if self.changes_user else "",
            "Landlock" if self.uses_landlock else "",
            "seccomp" if self.seccomp else "",
        ]
        return ", ".join([way for way in ways if way] + ["rlimits"])


def grounds() -> list[Ground]:
    """Give the ways that may work here, the best first; the last one always does."""
    is_linux = sys.platform.startswith("linux")
    programs = [bubblewrap.found(), None] if is_linux and bubblewrap.found() else [None]
    users = [True, False] if is_linux and os.geteuid() == 0 and _uids() else [False]
    ways = [
        Ground(program, changes_user, landlock.version(), seccomp.is_known())
        for program in programs
        for changes_user in users
    ]
    rlimits_alone = Ground(None, changes_user=False, landlock=0, seccomp=False)
    return ways if rlimits_alone in ways else [*ways, rlimits_alone]


def own_uid() -> int:
    """Draw a user for one worker; that two get the same only makes them share a limit."""
    uids = _uids()
    return random.SystemRandom().randrange(uids.start, uids.stop)


def close_proc() -> None:
    """Make the bot's /proc root's own: other processes of its user can't read its variables."""
    libc.prctl(libc.PR_SET_DUMPABLE, 0)


def tasks_of_this_user() -> int:
    """Count the threads of all that this user runs."""
    count = 0
    for path in PROC.iterdir():
        if path.name.isdecimal():
            try:
                if path.stat().st_uid == os.getuid():
                    count += sum(1 for _ in (path / "task").iterdir())
            except OSError:
                continue
    return count


def _uids() -> range:
    """Give the numbers that this machine, or this container, has for users of workers."""
    first, _, length = map(int, UID_MAP.read_text().splitlines()[-1].split())
    end = min(first + length, HIGHEST_UID)
    return range(max(end - UIDS, (first + end) // 2), end)


def _kernel() -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found[1]), int(found[2])) if found else (0, 0)
