"""Handlers that reach for what is not theirs; each gives what it got."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

KEY = "BARGEIN_TEST_KEY"
CONNECT_WITHIN_S = 10.0


def environment() -> list[str]:
    """Look for the bot's key among the variables, also where C keeps them."""
    found = [value for name, value in os.environ.items() if name == KEY]
    kept = ctypes.CDLL(None).getenv
    kept.restype = ctypes.c_char_p
    value = kept(KEY.encode())
    return found + ([value.decode()] if value else [])


def variables_of_others(bot: int) -> list[str]:
    """Read the variables of the bot, of process 1, of the parent and of all others."""
    found = []
    for process in {str(bot), "1", str(os.getppid()), *_numbers()}:
        for name in ("environ", "cmdline"):
            with suppress(OSError):
                if KEY.encode() in (Path("/proc") / process / name).read_bytes():
                    found.append(f"{process}/{name}")
    return found


def memory_of_others(bot: int) -> list[str]:
    """Open the memory of the bot, attach to it, read it with the call that is made for this."""
    found = []
    with suppress(OSError), (Path("/proc") / str(bot) / "mem").open("rb"):
        found.append("mem")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, bot, 0, 0) == 0:
        found.append("ptrace")
    word = ctypes.create_string_buffer(8)
    ours = (ctypes.c_void_p * 2)(ctypes.addressof(word), 8)
    if libc.process_vm_readv(bot, ours, 1, (ctypes.c_void_p * 2)(0x400000, 8), 1, 0) > 0:
        found.append("process_vm_readv")
    return found


def read(path: str) -> str:
    """Read a file: directly, and through a link of its own."""
    for attempt in (Path(path), Path("link")):
        with suppress(OSError):
            if attempt.name == "link":
                attempt.symlink_to(path)
            return attempt.read_text()
    return ""


def listed(path: str) -> list[str]:
    """List a folder."""
    with suppress(OSError):
        return sorted(each.name for each in Path(path).iterdir())
    return []


def write(folder: str) -> list[str]:
    """Write outside: a file, through a link, by a hard link, by renaming."""
    inside = Path("mine")
    inside.write_text("mine")
    there = Path(folder)
    ways: dict[str, Any] = {
        "file": lambda: (there / "file").write_text("x"),
        "link": lambda: _through_link(there / "linked"),
        "hard link": lambda: os.link(inside, there / "hard"),
        "renamed": lambda: inside.rename(there / "renamed"),
        "folder": lambda: (there / "folder").mkdir(),
        "usr": lambda: Path("/usr/bargein").write_text("x"),
        "etc": lambda: Path("/etc/bargein").write_text("x"),
        "root": lambda: Path("/bargein").write_text("x"),
        "dev": lambda: Path("/dev/bargein").write_text("x"),
        "shm": lambda: Path("/dev/shm/bargein").write_text("x"),
        "code": lambda: Path(__file__).write_text("x"),
    }
    return [name for name, way in ways.items() if _works(way)]


def connected(addresses: list[list[Any]]) -> list[str]:
    """Connect to each address, give those where somebody greets."""
    found = []
    for host, port in addresses:
        with suppress(OSError), socket.create_connection((host, port), CONNECT_WITHIN_S) as made:
            if made.recv(1):
                found.append(f"{host}:{port}")
    return found


def opened(addresses: list[list[Any]]) -> list[str]:
    """Connect to each address, give those where somebody listens."""
    found = []
    for host, port in addresses:
        with suppress(OSError), socket.create_connection((host, port), CONNECT_WITHIN_S):
            found.append(f"{host}:{port}")
    return found


def sent(address: list[Any]) -> int:
    """Send 10 MB there; give how much of it was taken."""
    count = 0
    with suppress(OSError), socket.create_connection(tuple(address), CONNECT_WITHIN_S) as made:
        for _ in range(160):
            made.sendall(bytes(65_536))
            count += 65_536
    return count


def open_at_once(address: list[Any], tries: int) -> int:
    """Connect so many times without hanging up; give how many were greeted."""
    made = [socket.create_connection(tuple(address), CONNECT_WITHIN_S) for _ in range(tries)]
    return sum(bool(_first_byte(each)) for each in made)


def _first_byte(made: socket.socket) -> bytes:
    with suppress(OSError):
        return made.recv(1)
    return b""


def connected_unix(paths: list[str]) -> list[str]:
    """Connect to sockets of the file system and to abstract ones."""
    found = []
    for path in paths:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as made:
            made.connect(path)
            found.append(path)
    return found


def odd_sockets() -> list[str]:
    """Make sockets that lead past the network of this process."""
    kinds = ["AF_PACKET", "AF_VSOCK", "AF_NETLINK", "AF_ALG", "AF_BLUETOOTH", "AF_CAN", "AF_TIPC"]
    found = []
    for kind in kinds:
        family = getattr(socket, kind, None)
        with suppress(OSError), socket.socket(family or socket.AF_PACKET, socket.SOCK_RAW):
            found.append(kind)
    return found


def inherited() -> list[int]:
    """Give open files that are neither standard ones nor the channel."""
    return [each for each in range(3, 64) if _is_open(each)][1:]


def ended_others(bot: int) -> list[int]:
    """Send signals to the bot, to the parent, to everybody, to whatever can be seen."""
    for target in (bot, os.getppid(), -1, 0, -bot, *map(int, _numbers())):
        if abs(target) not in (1, os.getpid()):
            with suppress(OSError):
                os.kill(target, signal.SIGTERM)
    with suppress(OSError):
        os.kill(bot, signal.SIGKILL)
    return []


def other_program() -> list[str]:
    """Start other programs, as a child and in place of itself."""
    found = []
    with suppress(OSError, subprocess.SubprocessError):
        found.append(subprocess.run([sys.executable, "-c", ""], check=True).args[0])
    with suppress(OSError):
        os.posix_spawn("/bin/true", ["true"], {})
        found.append("posix_spawn")
    return found


def became_root() -> list[str]:
    """Become root, make namespaces, mount, leave the root folder, load a module."""
    libc = ctypes.CDLL(None, use_errno=True)
    ways: dict[str, Any] = {
        "setuid": lambda: os.setuid(0) if os.getuid() else _refused(),
        "unshare user": lambda: _checked(libc.unshare(0x10000000)),
        "unshare mount": lambda: _checked(libc.unshare(0x00020000)),
        "mount": lambda: _checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        "umount": lambda: _checked(libc.umount2(b"/proc", 2)),
        "chroot": lambda: os.chroot("/"),
        "limits": _raised_limits,
    }
    return [name for name, way in ways.items() if _works(way)]


def _raised_limits() -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard * 2, hard * 2))


def _through_link(target: Path) -> None:
    link = Path("outward")
    link.symlink_to(target)
    link.write_text("x")


def _numbers() -> list[str]:
    with suppress(OSError):
        return [each.name for each in Path("/proc").iterdir() if each.name.isdecimal()]
    return []


def _works(way: Any) -> bool:
    try:
        way()
    except (OSError, ValueError):
        return False
    return True


def _checked(result: int) -> None:
    if result != 0:
        raise OSError


def _refused() -> None:
    raise OSError


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
