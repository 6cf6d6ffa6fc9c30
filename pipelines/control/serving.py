"""A server that runs beside other work of its process, and ends when that does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from bargein.pipelines.control.patience import PatientProtocol
from bargein.pipelines.serve import STOP_S


class _Server(uvicorn.Server):
    """Leaves the signals alone: workers are drained and talks are ended first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, listener: socket.socket, **options: Any) -> AsyncIterator[None]:
    """Serve an ASGI app at a listening socket; `options` are uvicorn's, beside those of both."""
    server = _Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            lifespan="off",
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=STOP_S,
            **options,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([running], timeout=STOP_S + 1)
