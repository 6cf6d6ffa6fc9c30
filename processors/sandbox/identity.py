"""A worker gives up being root, every capability, and ever getting one again."""

from __future__ import annotations

import ctypes
import os
import signal

from bargein.processors.sandbox import channel, libc
from bargein.processors.sandbox.setup import Identity

CAP_DAC_OVERRIDE = 1
CAPSET = {"x86_64": 126, "aarch64": 91}
"""capset(2), from asm/unistd.h."""
CAPGET = {"x86_64": 125, "aarch64": 90}
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Half(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def give_up(identity: Identity | None) -> None:
    """Become the user of `identity`, if there is one; keep no capability but what it says."""
    keeps = identity is not None and identity.may_override_files
    if os.uname().sysname != "Linux":
        return
    if identity is not None:
        libc.prctl(libc.PR_SET_KEEPCAPS, int(keeps))
        os.setgroups([])
        os.setresgid(identity.uid, identity.uid, identity.uid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
    _keep_only(1 << CAP_DAC_OVERRIDE if keeps else 0)


def die_with(parent: int) -> None:
    """End when the bot ends, whatever it died of; raises `HungUpError` where it has already."""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise channel.HungUpError


def keep_in_program() -> None:
    """Let another program, which takes this one's place, keep the one capability that is left."""
    machine = os.uname().machine
    if os.uname().sysname != "Linux" or machine not in CAPGET:
        return
    halves = (_Half * 2)()
    header = _Header(CAPABILITY_VERSION_3, 0)
    libc.syscall(CAPGET[machine], ctypes.byref(header), ctypes.byref(halves))
    if halves[0].permitted != 1 << CAP_DAC_OVERRIDE:
        return
    halves[0].inheritable = halves[0].permitted
    libc.syscall(CAPSET[machine], ctypes.byref(header), ctypes.byref(halves))
    libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def _keep_only(capabilities: int) -> None:
    number = CAPSET.get(os.uname().machine)
    if number is None:
        return
    halves = (_Half * 2)()
    halves[0].effective = halves[0].permitted = capabilities
    header = _Header(CAPABILITY_VERSION_3, 0)
    libc.syscall(number, ctypes.byref(header), ctypes.byref(halves))
