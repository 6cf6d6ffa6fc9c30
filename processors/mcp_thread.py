"""MCP servers live in a thread with a loop of its own: from the start to the end of the bot.

Sessions come and go, in loops of their own, and none of them waits for what a server says.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from bargein.processors.mcp_tools import McpTools
from bargein.processors.sandbox.ground import grounds
from bargein.processors.sandbox.opening import Mode, open_sandbox
from bargein.processors.sandbox.protections import Protections
from bargein.tools.keywords import Json
from bargein.tools.mcp import McpServer
from bargein.tools.tool import Tool

T = TypeVar("T")
CLOSE_S = 8.0
"""Programs that are killed are gone in 5 s, or never."""


class McpThread:
    """Whoever calls `open` calls `close`; both block, `open` until every server has answered."""

    def __init__(self, servers: Sequence[McpServer], mode: Mode = Mode.PREFER) -> None:
        """Take the servers; none is started yet."""
        self._servers, self._mode = tuple(servers), mode
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp", daemon=True)
        self._mcp: McpTools | None = None
        self.protections: Protections | None = None
        """What holds for programs; None where there are only URLs."""

    def open(self) -> None:
        """Start all servers, and take their tools.

        Raises ConfigError where the sandbox holds less than is required, and PartError where a
        server is not as declared.
        """
        self._thread.start()
        try:
            self._there(self._open()).result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all servers, within 8 s."""
        if self._mcp:
            with suppress(TimeoutError):
                self._there(self._mcp.close()).result(timeout=CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=CLOSE_S)
        if not self._thread.is_alive():
            self._loop.close()

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Those that may be proposed from now on."""
        return self._mcp.tools if self._mcp else ()

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Give what a tool returns; raises ToolFailedError. To cancel this gives the call up."""
        assert self._mcp
        running = self._there(self._mcp.run(tool, arguments))
        try:
            return await asyncio.wrap_future(running)
        finally:
            running.cancel()

    def _there(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self) -> None:
        ground = grounds()[-1]  # of no use for a URL
        if any(server.command for server in self._servers):
            sandbox = await open_sandbox(self._mode)
            await sandbox.close()
            self.protections, ground = sandbox.protections, sandbox.protections.ground
        self._mcp = McpTools(self._servers, ground)
        await self._mcp.open()
