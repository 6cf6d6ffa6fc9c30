"""What a worker is told before it runs anything of a tool's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from bargein.processors.sandbox import channel

MAX_PRINTED_BYTES = 16_384
"""Fits into a pipe, so that nobody needs to read it while the function runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one call may use; a worker that wants more is ended."""

    timeout_ms: int = 10_000
    """From the arguments to the answer."""
    memory_mb: int = 512
    """Address space."""
    threads: int = 32
    """Beside the first; it can start no other process, where the machine lets that be held."""
    file_mb: int = 16
    """Of each file; where there is a private /tmp, of all of it too."""
    open_files: int = 64
    answer_bytes: int = 65_536

    @property
    def cpu_s(self) -> int:
        """Seconds of CPU, the import of the function included."""
        return self.timeout_ms // 1_000 + IMPORT_CPU_S


IMPORT_CPU_S = 10
"""Packages like pandas take a few seconds on a slow machine; the bot waits no longer either."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An address inside the worker's network behind which the bot connects to a permitted one."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom a worker that begins as root goes on."""

    uid: int
    may_override_files: bool = False
    """Keeps CAP_DAC_OVERRIDE: it may use permitted files that are root's own."""


@dataclass(frozen=True, slots=True)
class Files:
    """What Landlock leaves of the file system."""

    read: tuple[str, ...]
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that a worker does to itself, and the function that it waits to call."""

    source: str
    """A module's name, or the absolute path of a file that ends in .py."""
    function: str
    search_path: tuple[str, ...]
    """Folders beside Python's own in which modules are found."""
    limits: Limits
    identity: Identity | None = None
    listeners: tuple[Listener, ...] = ()
    files: Files | None = None
    """None where bubblewrap shows it only what it may see."""
    tcp_ports: tuple[int, ...] = ()
    """Where Landlock lets it connect, when it has no network of its own."""
    may_use_network: bool = False
    """Whether it may make sockets at all."""
    seccomp: bool = True
    dies_with: int = 0
    """The bot's process; 0 where bubblewrap sees to it."""
    tasks_of_others: int = 0
    """Threads that the same user runs, where they count against this worker's limit."""

    def as_bytes(self) -> bytes:
        """Give it as the payload of `SETUP`."""
        return channel.dumped(asdict(self))


def read_setup(payload: bytes) -> Setup:
    """Read what `Setup.as_bytes` wrote."""
    given: dict[str, Any] = json.loads(payload)
    identity, files = given["identity"], given["files"]
    return Setup(
        **{
            **given,
            "search_path": tuple(given["search_path"]),
            "limits": Limits(**given["limits"]),
            "identity": Identity(**identity) if identity else None,
            "listeners": tuple(Listener(**each) for each in given["listeners"]),
            "files": Files(tuple(files["read"]), tuple(files["write"])) if files else None,
            "tcp_ports": tuple(given["tcp_ports"]),
        }
    )
