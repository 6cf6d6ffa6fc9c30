"""Landlock: a process gives up files, TCP ports and signals for good, without being root.

The second way to keep a worker from the machine's files, where bubblewrap is not to be had (in a
container it seldom is). Linux has it since 5.13, and ports since 6.7, signals since 6.12.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

from bargein.processors.sandbox import libc
from bargein.processors.sandbox.setup import Files

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; the same on all machines."""
ASK_VERSION = 1
RULE_PATH, RULE_PORT = 1, 2

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, DEVICE_CONTROL = 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CONTROL
READING = EXECUTE | READ_FILE | READ_DIR
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1
"""Rights: from linux/landlock.h."""
RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many of the rights to files a version knows; since the fifth 16."""
NEWEST_RIGHTS = 16
PORTS_SINCE, SCOPES_SINCE = 4, 6


def version() -> int:
    """Which version this kernel has; 0 for none."""
    if os.uname().sysname != "Linux":
        return 0
    try:
        return libc.syscall(CREATE_RULESET, None, 0, ASK_VERSION)
    except OSError:
        return 0


def restrict(files: Files, tcp_ports: Sequence[int]) -> None:
    """Leave this process these files and ports to connect to; needs PR_SET_NO_NEW_PRIVS."""
    known = version()
    rights = (1 << RIGHTS_BY_VERSION.get(known, NEWEST_RIGHTS)) - 1
    rules = _ruleset(known, rights)
    for path in files.read:
        _allow_path(rules, path, READING)
    for path in files.write:
        _allow_path(rules, path, rights)
    if known >= PORTS_SINCE:
        for port in tcp_ports:
            _add(rules, RULE_PORT, struct.pack("=QQ", CONNECT_TCP, port))
    libc.syscall(RESTRICT_SELF, rules, 0)
    os.close(rules)


def _ruleset(known: int, rights: int) -> int:
    fields = [rights]
    if known >= PORTS_SINCE:
        fields.append(BIND_TCP | CONNECT_TCP)
    if known >= SCOPES_SINCE:
        fields.append(ABSTRACT_SOCKETS | SIGNALS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return libc.syscall(CREATE_RULESET, ctypes.c_char_p(attributes), len(attributes), 0)


def _allow_path(rules: int, path: str, rights: int) -> None:
    """Allow what lies there and below; what is not there needs no rule."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        allowed = rights if is_folder else rights & FILE_RIGHTS
        _add(rules, RULE_PATH, struct.pack("=Qi", allowed, opened))
    finally:
        os.close(opened)


def _add(rules: int, kind: int, attributes: bytes) -> None:
    libc.syscall(ADD_RULE, rules, kind, ctypes.c_char_p(attributes), 0)
