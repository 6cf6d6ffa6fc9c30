"""Runs the handlers of a bot's tools in the sandbox, which is open as long as a session is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from loguru import logger

from bargein.errors import BargeinError, PartError
from bargein.processors.sandbox.opening import Mode, open_sandbox
from bargein.processors.sandbox.outcome import Failed, Failure
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.sandbox import MOST_AT_ONCE, Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.processors.tool_call import Runs, ToolFailedError
from bargein.tools.keywords import Json
from bargein.tools.proposal import Code
from bargein.tools.tool import PythonHandler, Tool

BYTES_FOR_A_BYTE = 4
"""Of an answer on its way: JSON in ASCII writes two bytes of UTF-8 as six."""
CODES = {
    Failure.TIMED_OUT: Code.TIMED_OUT,
    Failure.BAD_ANSWER: Code.BAD_RESULT,
    Failure.TOO_LARGE: Code.BAD_RESULT,
    Failure.UNAVAILABLE: Code.UNAVAILABLE,
}
"""What the LLM is told; all else has failed."""
CLOSED = "The tool is not available now."


class SandboxedTools:
    """One for a bot, shared by its sessions: each uses it `async with tools.open()`.

    The first of them opens the sandbox, in the background; the last one closes it.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        mode: Mode = Mode.PREFER,
        protections: Protections | None = None,
    ) -> None:
        """Nothing is started yet. `protections` are those found before, if there are any."""
        self._jobs = {tool.name: _job(tool) for tool in tools if _is_ours(tool)}
        self._mode = mode
        self._users = 0
        self._protections = protections
        self._opening: asyncio.Task[Sandbox] | None = None
        self._warming: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the sandbox open; without tools there is none."""
        self._users += 1
        if self._jobs and self._opening is None:
            self._opening = asyncio.create_task(self._open())
        try:
            yield
        finally:
            self._users -= 1
            if self._opening and not self._users:
                opening, self._opening = self._opening, None
                await self._close(opening)

    async def try_out(self) -> Protections | None:
        """Open it once, have every handler imported there, and close it; None without tools.

        Raises ConfigError where less is held than is required, and PartError where no worker can
        be started, or handlers can't be imported: with a line for each tool of which that is so.
        """
        if not self._jobs:
            return None
        sandbox = await open_sandbox(self._mode)
        try:
            await self._import_all(sandbox)
        finally:
            await sandbox.close()
        self._protections = sandbox.protections
        return self._protections

    async def _import_all(self, sandbox: Sandbox) -> None:
        """Import more handlers than are kept ready, a few at once."""
        places, problems = asyncio.Semaphore(MOST_AT_ONCE), dict.fromkeys(self._jobs, "")

        async def import_one(name: str, job: Job) -> None:
            try:
                async with places:
                    await sandbox.try_out(job)
            except PartError as error:
                problems[name] = f"tools.{name}: {error}"

        await asyncio.gather(*(import_one(*each) for each in self._jobs.items()))
        if told := [*filter(None, problems.values())]:
            raise PartError("\n".join(told))

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Give what the handler returned; ToolFailedError where it did not. To cancel kills it."""
        job, opening = self._jobs.get(tool.name), self._opening
        if job is None or opening is None:
            raise ToolFailedError(Code.UNAVAILABLE, CLOSED)
        try:
            sandbox = await asyncio.shield(opening)
        except BargeinError as error:
            raise ToolFailedError(Code.UNAVAILABLE, CLOSED, str(error)) from None
        came = await sandbox.run(job.handler, arguments, job.limits, job.permissions)
        if isinstance(came, Failed):
            code = CODES.get(came.code, Code.FAILED)
            raise ToolFailedError(code, came.message, str(came.code))
        return came.value

    async def _open(self) -> Sandbox:
        """Open it; a worker for each handler is started while the first calls may come already."""
        if self._protections:  # found before; it takes half a second to find them
            sandbox = Sandbox(self._protections)
        else:
            sandbox = await open_sandbox(self._mode)
            self._protections = sandbox.protections
        self._warming = asyncio.create_task(self._warm(sandbox))
        return sandbox

    async def _warm(self, sandbox: Sandbox) -> None:
        """A handler that can't be imported is tried anew in a call."""
        try:
            await sandbox.warm(self._jobs.values())
        except BargeinError as error:
            logger.error("tools: {}", error)

    async def _close(self, opening: asyncio.Task[Sandbox]) -> None:
        opening.cancel()
        with suppress(asyncio.CancelledError, BargeinError):
            sandbox = await opening
            warming, self._warming = self._warming, None
            if warming:
                warming.cancel()
                await asyncio.wait([warming])
            await sandbox.close()


@dataclass(frozen=True, slots=True)
class Either:
    """Runs a tool where it belongs: in the sandbox, or at its MCP server."""

    functions: Runs
    servers: Runs | None

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Give what it returned; ToolFailedError where there is nothing."""
        if isinstance(tool.handler, PythonHandler):
            return await self.functions.run(tool, arguments)
        if self.servers is None:
            raise ToolFailedError(Code.UNAVAILABLE, CLOSED)
        return await self.servers.run(tool, arguments)


def _is_ours(tool: Tool) -> bool:
    return isinstance(tool.handler, PythonHandler)


def _job(tool: Tool) -> Job:
    assert isinstance(tool.handler, PythonHandler)
    answer_bytes = BYTES_FOR_A_BYTE * tool.max_result_bytes
    limits = Limits(timeout_ms=tool.timeout_ms, answer_bytes=answer_bytes)
    return Job(tool.handler, limits, tool.permissions)
