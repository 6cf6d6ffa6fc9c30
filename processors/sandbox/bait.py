"""What the bot puts in the way of a worker that tries to get out: each must stay untouched."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bargein.processors.sandbox.setup import Limits
from bargein.tools.keywords import Json

LOCAL, NEIGHBOUR = "127.0.0.1", "127.0.0.2"
"""The second is this machine, too, on Linux."""
GREETING = b"!"
SEEN_WITHIN_S = 0.2
"""For the end of a process to become known; waited for where it goes on, as it should."""
FOR_ALL = 0o777


@dataclass(frozen=True, slots=True)
class BaitState:
    """What became of it."""

    victim_lives: bool
    has_datagram: bool


@dataclass(frozen=True, slots=True)
class Bait:
    """A process to end, files to read and write, ports to connect to."""

    victim: asyncio.subprocess.Process
    outside: Path
    tcp_port: int
    udp: socket.socket
    abstract: str

    def facts(self, *, forks: int, memory_mb: int, limits: Limits) -> dict[str, Json]:
        """Give the arguments of `probe.attempts`."""
        return {
            "own_environ": hashlib.sha256(_own_environ()).hexdigest(),
            "victim": self.victim.pid,
            "outside": str(self.outside),
            "tcp": [LOCAL, self.tcp_port],
            "udp": list(self.udp.getsockname()),
            "abstract": self.abstract,
            "forks": forks,
            "memory_mb": memory_mb,
            "file_mb": limits.file_mb,
        }

    async def state(self) -> BaitState:
        """Look at what can't tell of itself."""
        assert self.victim.stdout is not None
        victim_lives = False
        try:  # its pipe closes in the moment in which it ends
            async with asyncio.timeout(SEEN_WITHIN_S):
                await self.victim.stdout.read()
        except TimeoutError:
            victim_lives = True
        try:
            has_datagram = bool(self.udp.recv(1))
        except BlockingIOError:
            has_datagram = False
        return BaitState(victim_lives, has_datagram)


@asynccontextmanager
async def laid() -> AsyncIterator[Bait]:
    """Lay all of it out, and take it away again."""
    async with AsyncExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="bargein-probe-"))
        outside = _open_folder(Path(made))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind((LOCAL, 0))
        udp.setblocking(False)
        abstract = f"\0bargein-{secrets.token_hex(8)}" if sys.platform.startswith("linux") else ""
        if abstract:
            listening = stack.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(abstract)
            listening.listen()
        port = await stack.enter_async_context(greeting(LOCAL))
        victim = await stack.enter_async_context(_waiting_process())
        yield Bait(victim, outside, port, udp, abstract)


@asynccontextmanager
async def greeting(address: str, port: int = 0, *, is_optional: bool = False) -> AsyncIterator[int]:
    """Listen and greet with one byte; gives the port, or 0 where the address is not to be had."""
    try:
        server = await asyncio.start_server(_greet, address, port)
    except OSError:
        if not is_optional:
            raise
        yield 0
        return
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.write(GREETING)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def _waiting_process() -> AsyncIterator[asyncio.subprocess.Process]:
    waiting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield waiting
    finally:
        with suppress(ProcessLookupError):
            waiting.kill()
        await waiting.wait()


def _open_folder(outside: Path) -> Path:
    """Let everybody read and write there, and put a file into it."""
    outside.chmod(FOR_ALL)
    (outside / "readable").write_bytes(GREETING)
    return outside


def _own_environ() -> bytes:
    with suppress(OSError):
        return Path("/proc/self/environ").read_bytes()
    return secrets.token_bytes(8)
