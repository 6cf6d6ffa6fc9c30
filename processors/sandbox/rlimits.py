"""The limits that every Unix has."""

from __future__ import annotations

import contextlib
import resource

from bargein.processors.sandbox.setup import Setup

BYTES_PER_MB = 1 << 20


def apply(setup: Setup) -> None:
    """Set all limits for this process and whatever it starts; none can be raised again."""
    limits = setup.limits
    tasks = setup.tasks_of_others + 1 + limits.threads
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, limits.cpu_s)
    _limit(resource.RLIMIT_FSIZE, limits.file_mb * BYTES_PER_MB)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_NPROC, tasks)
    with contextlib.suppress(ValueError, OSError):  # macOS knows it, and refuses it
        _limit(resource.RLIMIT_AS, limits.memory_mb * BYTES_PER_MB)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))
