"""The tools of MCP servers: taken at the start in the servers' own words, and held to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress

from loguru import logger
from mcp import McpError
from mcp.types import CallToolResult, TextContent

from bargein.config.problems import did_you_mean
from bargein.errors import PartError
from bargein.processors.mcp_server import AGAIN_S, McpClient, Offers, ServerGoneError
from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.said import loggable
from bargein.processors.tool_call import ToolFailedError
from bargein.tools.keywords import Json
from bargein.tools.mcp import McpServer, McpTool
from bargein.tools.mcp_offer import Offer, UnusableOfferError, tool_of
from bargein.tools.proposal import Code
from bargein.tools.tool import McpHandler, Tool

FAILED = "The tool failed."
AWAY = "The tool is not available now."
WITHDRAWN = "The tool is not available any more."


class McpTools:
    """One for a process, shared by its sessions. Whoever calls `open` calls `close`."""

    def __init__(
        self,
        servers: Sequence[McpServer],
        ground: Ground,
        *,
        again_s: tuple[float, ...] = AGAIN_S,
    ) -> None:
        """Take the servers; none is started yet. `ground` says how programs are confined."""
        self._clients = {
            server.name: McpClient(server, ground, self._look, again_s=again_s)
            for server in servers
        }
        self._tools: list[Tool] = []
        self._taken: dict[McpHandler, Offer] = {}
        self._withdrawn: set[McpHandler] = set()

    async def open(self) -> None:
        """Start all servers and take their tools; a PartError says which is not as declared."""
        try:
            async with asyncio.TaskGroup() as group:
                starts = [group.create_task(client.start()) for client in self._clients.values()]
            for client, start in zip(self._clients.values(), starts, strict=True):
                for declared in client.server.tools:
                    self._take(client.server, declared, start.result())
        except BaseException as error:
            await self.close()
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from None
            raise

    async def close(self) -> None:
        """End all servers."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Those that may be proposed: what a server has changed meanwhile is not among them."""
        return tuple(tool for tool in self._tools if tool.handler not in self._withdrawn)

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Call it, for as long as the caller waits; raises ToolFailedError."""
        handler = tool.handler
        assert isinstance(handler, McpHandler)
        if handler in self._withdrawn:
            raise ToolFailedError(Code.UNAVAILABLE, WITHDRAWN)
        client = self._clients[handler.server]
        try:
            result = await client.call(handler.tool, arguments)
        except ServerGoneError as error:
            raise ToolFailedError(Code.UNAVAILABLE, AWAY, str(error)) from None
        except McpError as error:
            _log(tool, client.server, error.error.message)
            raise ToolFailedError(Code.FAILED, FAILED) from None
        except ValueError as error:  # of pydantic: it is no result
            _log(tool, client.server, str(error))
            raise ToolFailedError(Code.BAD_RESULT, "The tool's answer could not be read.") from None
        return _value(tool, client.server, result)

    def _take(self, server: McpServer, declared: McpTool, offers: Offers) -> None:
        offer = offers.get(declared.tool)
        if offer is None:
            known = did_you_mean(declared.tool, offers)
            raise PartError(f"the MCP server {server.name!r} has no tool {declared.tool!r}.{known}")
        try:
            tool = tool_of(server, declared, offer)
        except UnusableOfferError as error:
            message = f"the tool {declared.tool!r} of the MCP server {server.name!r} can't be used"
            raise PartError(f"{message}: {error}.") from error
        self._tools.append(tool)
        self._taken[McpHandler(server.name, declared.tool)] = offer

    def _look(self, server: McpServer, offers: Offers) -> None:
        """Withdraw what is not offered in the words in which it was taken; for good."""
        for handler, taken in self._taken.items():
            if handler.server != server.name or handler in self._withdrawn:
                continue
            offer = offers.get(handler.tool)
            if offer is None or offer.digest != taken.digest:
                self._withdrawn.add(handler)
                what = "has changed" if offer else "has taken back"
                logger.error(
                    "MCP server {} {} its tool {}: it is not used any more until the bot starts "
                    "again",
                    server.name,
                    what,
                    handler.tool,
                )


def _value(tool: Tool, server: McpServer, result: CallToolResult) -> Json:
    """Give what a result says: its structured content if there is any, else its text."""
    texts = [each.text for each in result.content if isinstance(each, TextContent)]
    if result.isError:
        _log(tool, server, " ".join(texts))
        raise ToolFailedError(Code.FAILED, FAILED)
    if result.structuredContent is not None:
        return result.structuredContent
    others = sorted({each.type for each in result.content if not isinstance(each, TextContent)})
    if others:
        message = f"{tool.name} answered with {', '.join(others)}, which can't be used."
        raise ToolFailedError(Code.BAD_RESULT, message)
    text = "\n".join(texts)
    if tool.result is not None:
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def _log(tool: Tool, server: McpServer, text: str) -> None:
    """Note what a server says of a failure; the LLM hears that it failed."""
    said = loggable(text, server.permissions).replace("\n", " ")
    logger.warning("tool {} of the MCP server {} failed: {}", tool.name, server.name, said)
