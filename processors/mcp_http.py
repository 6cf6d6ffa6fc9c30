"""An MCP server behind a URL: no answer is longer than it may be, and no other host is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from mcp.client.streamable_http import streamable_http_client

from bargein.processors.mcp_program import Incoming, Outgoing
from bargein.tools.mcp import McpServer

MAX_ANSWER_BYTES = 8 << 20
"""Of one response; a stream of events that is longer is opened again."""
CONNECT_S, READ_S = 5.0, 120.0


class BoundedStream(httpx.AsyncByteStream):
    """The body of a response, cut off where it becomes too long."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        """Count what comes from here on."""
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the chunks; raises httpx.ReadError past the bound."""
        count = 0
        async for chunk in self._stream:
            count += len(chunk)
            if count > MAX_ANSWER_BYTES:
                raise httpx.ReadError(f"the answer is over {MAX_ANSWER_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        """Close what it reads from."""
        await self._stream.aclose()


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Asks for no compression, which would make much of little, and bounds each answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.ReadError("the answer is compressed, though nobody asked for that")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = BoundedStream(response.stream)
        return response


@asynccontextmanager
async def web(server: McpServer) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Give the streams of its messages; nothing is asked yet."""
    client = httpx.AsyncClient(
        headers=dict(server.headers),
        timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
        transport=BoundedTransport(),
    )
    async with client, streamable_http_client(server.url, http_client=client) as (ours, theirs, _):
        yield ours, theirs
