"""An MCP server that is a program: in the sandbox, a message a line on its input and output."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from loguru import logger
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage
from pydantic import ValidationError

from bargein.errors import PartError
from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.prepared import Prepared
from bargein.processors.sandbox.program import become
from bargein.processors.sandbox.said import loggable
from bargein.processors.sandbox.setup import Limits
from bargein.processors.sandbox.visible import SYSTEM
from bargein.tools.mcp import McpServer
from bargein.tools.tool import Permissions, PythonHandler

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]

BECOME = PythonHandler(become.__module__, become.__name__)
WEEK_MS = 7 * 24 * 3_600_000
LIMITS = Limits(timeout_ms=WEEK_MS, memory_mb=4_096, threads=64, file_mb=64, open_files=256)
"""A server lives as long as the bot; Node.js reserves far more memory than it uses."""
MAX_MESSAGE_BYTES = 1 << 20
MAX_GARBAGE_LINES = 50
"""Some servers print to their output before they speak; more than that is no server."""
CHUNK_BYTES = 65_536
LISTEN_TO_PRINTS_S = 1.0
PREFIXES = (sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix)


@asynccontextmanager
async def program(
    server: McpServer, ground: Ground, ended: asyncio.Event
) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Start it, and give the streams of its messages; `ended` is set when it speaks no more.

    Raises PartError where it can't be started. It is killed at the end.
    """
    command = _command(server)
    permissions = _with_own_files(server.permissions, command)
    worker = await Prepared.start(Job(BECOME, LIMITS, permissions), ground)
    to_session, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    tasks: list[asyncio.Task[None]] = []
    try:
        reader, writer = await worker.become(command)
        tasks = [
            asyncio.create_task(_read(reader, to_session, server.name, ended)),
            asyncio.create_task(_write(writer, from_session)),
            asyncio.create_task(_log_prints(worker, server.name, permissions)),
        ]
        yield incoming, outgoing
    finally:
        worker.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in (to_session, incoming, outgoing, from_session):
            stream.close()
        _log(worker, server.name, permissions)
        await worker.gone()


def _command(server: McpServer) -> list[str]:
    """Find the program, and the files that its words name, beside the YAML."""
    name, *words = server.command
    if name in ("python", "python3"):
        found: str | None = sys.executable
    elif "/" in name:
        path = (Path(server.folder) / name).absolute()
        found = str(path) if path.is_file() else None
    else:
        found = shutil.which(name)
    if found is None:
        raise PartError(f"the MCP server {server.name!r}: there is no program {name!r}. Install it")
    return [found, *(_absolute(word, server.folder) for word in words)]


def _absolute(word: str, folder: str) -> str:
    """Give a word that names a file in the folder as its path; any other as it is."""
    path = Path(folder) / word
    is_file = not word.startswith("-") and ("/" in word or "." in word) and path.is_file()
    return str(path.resolve()) if is_file else word


def _with_own_files(permissions: Permissions, command: list[str]) -> Permissions:
    """Let the program be read, and each file that its command names."""
    named = [Path(word) for word in command if word.startswith("/") and Path(word).is_file()]
    own = [path for each in named for path in (each, each.resolve()) if not _is_seen(path)]
    read = tuple(dict.fromkeys([*permissions.read, *own]))
    return Permissions(permissions.network, read, permissions.write, permissions.env)


def _is_seen(path: Path) -> bool:
    """Whether every worker sees it anyway: Python's own, and the system's."""
    return any(path.is_relative_to(each) for each in (*SYSTEM, *PREFIXES))


async def _read(
    reader: asyncio.StreamReader,
    to_session: MemoryObjectSendStream[SessionMessage | Exception],
    name: str,
    ended: asyncio.Event,
) -> None:
    """Pass on each line that is a message; end at what no server says."""
    held, garbage = b"", 0
    try:
        while data := await reader.read(CHUNK_BYTES):
            *lines, held = (held + data).split(b"\n")
            for line in filter(None, map(bytes.strip, lines)):
                try:
                    message = JSONRPCMessage.model_validate_json(line)
                except ValidationError:
                    garbage += 1
                    continue
                await to_session.send(SessionMessage(message))
            if len(held) > MAX_MESSAGE_BYTES or garbage > MAX_GARBAGE_LINES:
                what = "a message that is too large" if held else "what is no message"
                logger.error("MCP server {}: it says {}; it is ended", name, what)
                return
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    finally:
        ended.set()
        to_session.close()  # the session answers what is still asked with an error


async def _write(
    writer: asyncio.StreamWriter, from_session: MemoryObjectReceiveStream[SessionMessage]
) -> None:
    with suppress(OSError):
        async for each in from_session:
            line = each.message.model_dump_json(by_alias=True, exclude_none=True)
            writer.write(line.encode() + b"\n")
            await writer.drain()


async def _log_prints(worker: Prepared, name: str, permissions: Permissions) -> None:
    while True:
        await asyncio.sleep(LISTEN_TO_PRINTS_S)
        _log(worker, name, permissions)


def _log(worker: Prepared, name: str, permissions: Permissions) -> None:
    for line in loggable(worker.printed(), permissions).splitlines():
        logger.info("MCP server {} printed: {}", name, line)
