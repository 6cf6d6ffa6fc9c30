"""A filter over system calls: no other process, no foreign memory, no signals, no odd sockets.

It holds with and without bubblewrap. What is refused gives EPERM, so that a library that tries
goes on without. The list names what reaches beyond the worker or makes memory that no limit
counts; the limits themselves are those of `rlimits.py`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from dataclasses import dataclass

from bargein.processors.sandbox import libc

CLONE_THREAD = 0x00010000
CLONE_NEW = 0x7E020080
"""All flags of clone(2) that make a namespace; from linux/sched.h."""

ALIKE = {
    # Since Linux 5.1 new calls have one number on all machines.
    **{"pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426},
    **{"io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430},
    **{"fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_open": 434, "pidfd_getfd": 438},
    **{"process_madvise": 440, "mount_setattr": 442, "memfd_secret": 447},
}
X86_64 = {
    **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312},
    **{"open_by_handle_at": 304, "name_to_handle_at": 303, "mount": 165, "umount2": 166},
    **{"pivot_root": 155, "unshare": 272, "setns": 308, "chroot": 161, "bpf": 321},
    **{"perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "add_key": 248},
    **{"request_key": 249, "init_module": 175, "finit_module": 313, "delete_module": 176},
    **{"kexec_load": 246, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163},
    **{"quotactl": 179, "syslog": 103, "settimeofday": 164, "clock_settime": 227},
    **{"personality": 135, "fanotify_init": 300, "iopl": 172, "ioperm": 173},
    # Memory that belongs to no process.
    **{"memfd_create": 319, "shmget": 29, "msgget": 68, "semget": 64, "mq_open": 240},
    # Signals; `kill` and `tgkill` may name the worker itself.
    **{"tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297},
}
ARM64 = {
    **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272},
    **{"open_by_handle_at": 265, "name_to_handle_at": 264, "mount": 40, "umount2": 39},
    **{"pivot_root": 41, "unshare": 97, "setns": 268, "chroot": 51, "bpf": 280},
    **{"perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "add_key": 217},
    **{"request_key": 218, "init_module": 105, "finit_module": 273, "delete_module": 106},
    **{"kexec_load": 104, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89},
    **{"quotactl": 60, "syslog": 116, "settimeofday": 170, "clock_settime": 112},
    **{"personality": 92, "fanotify_init": 262},
    **{"memfd_create": 279, "shmget": 194, "msgget": 186, "semget": 190, "mq_open": 180},
    **{"tkill": 130, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240},
}


@dataclass(frozen=True, slots=True)
class Machine:
    """System calls by number, as one kind of processor has them."""

    audit: int
    """AUDIT_ARCH of linux/audit.h: calls in another convention (32 bit) are refused."""
    refused: tuple[int, ...]
    fork: tuple[int, ...]
    clone: int
    kill: int
    tgkill: int
    socket: int
    clone3: int = 435


MACHINES = {
    "x86_64": Machine(0xC000003E, (*X86_64.values(), *ALIKE.values()), (57, 58), 56, 62, 234, 41),
    "aarch64": Machine(0xC00000B7, (*ARM64.values(), *ALIKE.values()), (), 220, 129, 131, 198),
}
MOST_NUMBERS = 0x40000000
"""From here on numbers are of x32, another convention of the same processor."""

LOAD, EQUALS, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions of the packet filter: from linux/bpf_common.h."""
NUMBER_AT, AUDIT_AT, FIRST_AT = 0, 4, 16
"""Offsets in `struct seccomp_data`; of the arguments the low half is looked at."""
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE = 0x00050000 | errno.EPERM
UNKNOWN = 0x00050000 | errno.ENOSYS
SECCOMP_MODE_FILTER = 2
INSTRUCTION = struct.Struct("<HBBI")


def is_known() -> bool:
    """Whether there are numbers for this machine."""
    return os.uname().sysname == "Linux" and os.uname().machine in MACHINES


def restrict(*, network: bool) -> None:
    """Put the filter on this process and all that it starts; raises OSError.

    Asks for no right, once PR_SET_NO_NEW_PRIVS is set.
    """
    code = program(MACHINES[os.uname().machine], os.getpid(), network=network)
    kept = ctypes.create_string_buffer(b"".join(code))
    head = struct.pack("@HP", len(code), ctypes.addressof(kept))
    libc.prctl(libc.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(head))


def program(machine: Machine, pid: int, *, network: bool) -> list[bytes]:
    """Give the filter's instructions."""
    code = [_load(AUDIT_AT), *_unless(machine.audit, KILL), _load(NUMBER_AT)]
    code += _when(AT_LEAST, MOST_NUMBERS, REFUSE)
    for number in (*machine.refused, *machine.fork):
        code += _when(EQUALS, number, REFUSE)
    # glibc falls back to clone, whose flags can be seen.
    code += _when(EQUALS, machine.clone3, UNKNOWN)
    code += _case(machine.clone, _clone())
    for number in (machine.kill, machine.tgkill):
        code += _case(number, [*_when(EQUALS, pid, ALLOW), _return(REFUSE)])
    code += _case(machine.socket, _socket(network=network))
    return [*code, _return(ALLOW)]


def _clone() -> list[bytes]:
    """Threads: no processes, and no namespaces."""
    code = _when(ANY_BIT, CLONE_NEW, REFUSE)
    return [*code, *_when(ANY_BIT, CLONE_THREAD, ALLOW), _return(REFUSE)]


def _socket(*, network: bool) -> list[bytes]:
    """IPv4 and IPv6, if at all: sockets of the file system lead to other programs."""
    code: list[bytes] = []
    for family in (socket.AF_INET, socket.AF_INET6) if network else ():
        code += _when(EQUALS, family, ALLOW)
    return [*code, _return(REFUSE)]


def _case(number: int, then: list[bytes]) -> list[bytes]:
    """For this system call look at its first argument and return; else go on behind."""
    block = [_load(FIRST_AT), *then]
    return [INSTRUCTION.pack(EQUALS, 0, len(block), number), *block]


def _when(test: int, value: int, verdict: int) -> list[bytes]:
    return [INSTRUCTION.pack(test, 0, 1, value), _return(verdict)]


def _unless(value: int, verdict: int) -> list[bytes]:
    return [INSTRUCTION.pack(EQUALS, 1, 0, value), _return(verdict)]


def _load(offset: int) -> bytes:
    return INSTRUCTION.pack(LOAD, 0, 0, offset)


def _return(verdict: int) -> bytes:
    return INSTRUCTION.pack(RETURN, 0, 0, verdict)
