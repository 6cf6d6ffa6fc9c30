"""One MCP server for the whole process: started, watched, started again when it dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from loguru import logger
from mcp import ClientSession, McpError
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    CancelledNotification,
    CancelledNotificationParams,
    ClientNotification,
    ClientRequest,
    PaginatedRequestParams,
    ServerNotification,
    ToolListChangedNotification,
)

from bargein.config.masking import without_credentials
from bargein.errors import PartError
from bargein.processors.clock import monotonic_ms
from bargein.processors.mcp_http import web
from bargein.processors.mcp_program import program
from bargein.processors.sandbox.ground import Ground
from bargein.tools.keywords import Json
from bargein.tools.mcp import McpServer
from bargein.tools.mcp_offer import Offer

T = TypeVar("T")
Offers = Mapping[str, Offer]
"""By the server's name of each tool."""
START_S = 30.0
"""Some are compiled at their first start."""
LIST_S = 10.0
"""Who does not say in this time what it offers hangs, and is started again."""
AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Before each new start in a row; after these it is given up."""
SETTLED_MS = 60_000.0
"""Who has lived so long is started again after the first of these."""
LOOK_AGAIN_S = 60.0
"""A server may change its tools without a word."""
CANCEL_S = 1.0
MOST_PAGES = 20
MOST_REASON_CHARACTERS = 300
ENDED = "Session terminated"
"""What the SDK makes of a server that knows the session no more."""
CLOSED = "Connection closed"
"""What it makes of one that has closed its output."""

# The SDK logs what servers say, whole and with tracebacks.
logging.getLogger("mcp").addHandler(logging.NullHandler())
logging.getLogger("mcp").propagate = False


class ServerGoneError(Exception):
    """There is no answer: the server has ended, or does not run."""


@dataclass(slots=True)
class Connection:
    """A session with a server, as long as it lasts."""

    session: ClientSession
    gone: asyncio.Event


class McpClient:
    """Whoever calls `start` calls `close`."""

    def __init__(
        self,
        server: McpServer,
        ground: Ground,
        changed: Callable[[McpServer, Offers], None],
        *,
        again_s: tuple[float, ...] = AGAIN_S,
    ) -> None:
        """`ground` says how a program is confined; `changed` hears what is offered later."""
        self.server = server
        self._ground, self._changed, self._again_s = ground, changed, again_s
        self._connection: Connection | None = None
        self._life: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._farewells: set[asyncio.Task[None]] = set()

    async def start(self) -> Offers:
        """Connect, and give what the server offers; a PartError where that fails."""
        first: asyncio.Future[Offers] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(first))
        return await first

    async def close(self) -> None:
        """End it."""
        tasks = [*self._farewells, *([self._life] if self._life else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def call(self, tool: str, arguments: dict[str, Json]) -> CallToolResult:
        """Call a tool, for as long as the caller waits; raises ServerGoneError and McpError."""
        connection = self._connection
        if connection is None or connection.gone.is_set():
            raise ServerGoneError("it does not run")
        number = connection.session._request_id  # which the request is going to have
        params = CallToolRequestParams(name=tool, arguments=arguments)
        request = ClientRequest(CallToolRequest(params=params))
        asking = connection.session.send_request(request, CallToolResult)
        try:
            answered = await _first_of(asking, connection.gone.wait())
        except asyncio.CancelledError:
            farewell = asyncio.create_task(self._give_up(connection, number))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)
            raise
        if not answered:
            raise ServerGoneError("it has ended")
        return _answered(answered[0], connection)

    async def _give_up(self, connection: Connection, number: int) -> None:
        """Tell the server that nobody waits any more, and see whether it still listens."""
        params = CancelledNotificationParams(requestId=number, reason="nobody waits for it")
        notice = ClientNotification(CancelledNotification(params=params))
        with suppress(TimeoutError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            async with asyncio.timeout(CANCEL_S):
                await connection.session.send_notification(notice)
        self._look.set()

    # --- its life ------------------------------------------------------------------------

    async def _live(self, first: asyncio.Future[Offers]) -> None:
        """Have one session after the other, until it is closed or given up."""
        waits = iter(self._again_s)
        while True:
            began_ms = monotonic_ms()
            reason = await self._once(first)
            if not first.done():
                message = f"the MCP server {self.server.name!r} did not start: {reason}"
                first.set_exception(PartError(message))
                return
            if monotonic_ms() - began_ms > SETTLED_MS:
                waits = iter(self._again_s)
            if not await self._wait_again(waits, reason):
                return

    async def _wait_again(self, waits: Iterator[float], reason: str) -> bool:
        wait_s = next(waits, None)
        if wait_s is None:
            logger.error("MCP server {}: {}; it is given up", self.server.name, reason)
            return False
        logger.warning("MCP server {}: {}; again in {} s", self.server.name, reason, wait_s)
        await asyncio.sleep(wait_s)
        return True

    async def _once(self, first: asyncio.Future[Offers]) -> str:
        """Have one session, until it is gone; says why it is."""
        gone = asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(START_S):
                        session = await self._begun(stack, gone)
                        offers = await _offers(session)
                except TimeoutError:
                    return f"it did not answer within {START_S:g} s"
                self._tell(offers, first)
                self._connection = Connection(session, gone)
                try:
                    return await self._watch(self._connection)
                finally:
                    self._connection = None
                    gone.set()
        except Exception as error:  # whatever a server can do to a session; the next one is new
            return _reason(error)

    async def _begun(self, stack: AsyncExitStack, gone: asyncio.Event) -> ClientSession:
        server = self.server
        way = program(server, self._ground, gone) if server.command else web(server)
        incoming, outgoing = await stack.enter_async_context(way)
        session = ClientSession(incoming, outgoing, message_handler=self._heard)
        await stack.enter_async_context(session)
        await session.initialize()
        return session

    def _tell(self, offers: Offers, first: asyncio.Future[Offers]) -> None:
        if first.done():
            self._changed(self.server, offers)
        else:
            first.set_result(offers)

    async def _watch(self, connection: Connection) -> str:
        """Look again at what it offers, now and then, and when it says so."""
        try:
            while True:
                await _first_of(connection.gone.wait(), self._look.wait(), within_s=LOOK_AGAIN_S)
                if connection.gone.is_set():
                    return "it has ended"
                self._look.clear()
                async with asyncio.timeout(LIST_S):
                    self._changed(self.server, await _offers(connection.session))
        except TimeoutError:
            return f"it did not answer within {LIST_S:g} s"

    async def _heard(self, message: object) -> None:
        """What a server says on its own: that its tools have changed; the rest is passed over."""
        if isinstance(message, ServerNotification) and isinstance(
            message.root, ToolListChangedNotification
        ):
            self._look.set()


async def _first_of(
    work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, Any], within_s: float | None = None
) -> list[asyncio.Task[T]]:
    """Wait until one of these is done, and end the others; give the first, if it is."""
    task = asyncio.create_task(work)
    tasks = [task, *map(asyncio.create_task, others)]
    try:
        await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return [task] if task.done() else []
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answered(asking: asyncio.Task[CallToolResult], connection: Connection) -> CallToolResult:
    try:
        return asking.result()
    except McpError as error:
        if error.error.message == ENDED:
            connection.gone.set()
        raise


async def _offers(session: ClientSession) -> Offers:
    """List all that a server offers."""
    offers: dict[str, Offer] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        for each in page.tools:
            words = each.description or ""
            offers[each.name] = Offer(each.name, words, each.inputSchema, each.outputSchema)
        cursor = page.nextCursor
        if cursor is None:
            break
    return offers


def _reason(error: BaseException) -> str:
    """Say in a line what went wrong; of several the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if str(error) == CLOSED:
        return "it has ended; what it printed is in the log"
    text = " ".join(without_credentials(str(error)).split())[:MOST_REASON_CHARACTERS]
    return text or type(error).__name__
