"""The filter, run on system calls of both kinds of processor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bargein.processors.sandbox.seccomp import (
    ALIKE,
    ALLOW,
    ANY_BIT,
    ARM64,
    AT_LEAST,
    AUDIT_AT,
    EQUALS,
    FIRST_AT,
    INSTRUCTION,
    KILL,
    LOAD,
    MACHINES,
    NUMBER_AT,
    REFUSE,
    RETURN,
    UNKNOWN,
    X86_64,
    program,
)

PID = 7
TABLES = {"x86_64": X86_64, "aarch64": ARM64}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
FORK_FLAGS, THREAD_FLAGS, NAMESPACE_FLAGS = 0x01200011, 0x003D0F00, 0x10000011
"""As glibc and unshare call clone(2)."""
INET, UNIX, NETLINK = 2, 1, 16


def verdict(machine: str, number: int, first: int = 0, *, network: bool = True) -> int:
    """Run the filter as the kernel does."""
    code = [INSTRUCTION.unpack(each) for each in program(MACHINES[machine], PID, network=network)]
    data = {AUDIT_AT: MACHINES[machine].audit, NUMBER_AT: number, FIRST_AT: first}
    at, loaded = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        if operation == RETURN:
            return int(value)
        if operation == LOAD:
            loaded, jump = data[value], 0
        else:
            is_true = {
                EQUALS: loaded == value,
                AT_LEAST: loaded >= value,
                ANY_BIT: bool(loaded & value),
            }[operation]
            jump = if_true if is_true else if_false
        at += 1 + jump


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_lets_through_threads_and_its_own_signals_only(machine: str) -> None:
    known = MACHINES[machine]
    cases = [
        (known.clone, FORK_FLAGS, REFUSE),
        (known.clone, THREAD_FLAGS, ALLOW),
        (known.clone, NAMESPACE_FLAGS, REFUSE),
        (known.clone3, 0, UNKNOWN),
        (known.kill, PID, ALLOW),
        (known.kill, PID + 1, REFUSE),
        (known.kill, 0xFFFFFFFF, REFUSE),
        (known.tgkill, PID, ALLOW),
        (known.tgkill, 1, REFUSE),
        (known.socket, INET, ALLOW),
        (known.socket, UNIX, REFUSE),
        (known.socket, NETLINK, REFUSE),
        *((number, 0, REFUSE) for number in (*known.refused, *known.fork)),
    ]
    for number, first, expected in cases:
        assert verdict(machine, number, first) == expected, (number, first)


@pytest.mark.parametrize("machine", MACHINES)
def test_without_network_there_are_no_sockets(machine: str) -> None:
    assert verdict(machine, MACHINES[machine].socket, INET, network=False) == REFUSE


def test_calls_in_another_convention_are_refused() -> None:
    assert verdict("x86_64", 0x40000000 + 41, INET) == REFUSE
    other = [INSTRUCTION.unpack(each) for each in program(MACHINES["x86_64"], PID, network=True)]
    assert other[0] == (LOAD, 0, 0, AUDIT_AT)
    assert other[2][3] == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].is_file():
        pytest.skip(f"the kernel's headers are not here: {HEADERS[machine]}")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    numbers = {name: int(number) for name, number in found}
    for name, number in {**TABLES[machine], **ALIKE}.items():
        assert numbers.get(name, number) == number, name
    known = MACHINES[machine]
    named = {"clone": known.clone, "kill": known.kill, "tgkill": known.tgkill}
    assert {name: numbers[name] for name in named} == named
    assert numbers["socket"] == known.socket
