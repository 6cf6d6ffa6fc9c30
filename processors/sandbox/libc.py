"""The few calls of Linux that Python has no name for."""

from __future__ import annotations

import ctypes
import os
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 47, 2, 4
"""From include/uapi/linux/prctl.h."""

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *values: Any) -> None:
    """Call prctl(2); raises OSError."""
    padded = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in values]
    padded += [ctypes.c_ulong(0)] * (4 - len(padded))
    if _libc.prctl(ctypes.c_int(option), *padded) != 0:
        _fail("prctl")


def syscall(number: int, *values: Any) -> int:
    """Call syscall(2) by number; raises OSError."""
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in values]
    result = int(_libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        _fail(f"system call {number}")
    return result


def _fail(what: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{what}: {os.strerror(code)}")
