"""Serves the page for a room at Daily: the same files as the local room's, and Daily's own script.

The page gets room and token behind the `#` of its address, which browsers tell no server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from bargein.transports.local.metrics import RoomMetrics
from bargein.transports.local.server import SECURITY_HEADERS, TRANSPORT, metrics_route

DAILY = "https://*.daily.co"
HEADERS = {
    **SECURITY_HEADERS,
    # Daily's library fetches the rest of itself from c.daily.co, asks its servers which of
    # them has the room, and tells them how the call went.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' https://c.daily.co; "
        f"connect-src 'self' {DAILY} wss://*.daily.co; worker-src 'self' blob:; "
        "img-src 'self' data:; media-src 'self' blob: mediastream:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}


def page_app(metrics: RoomMetrics | None = None, *, metrics_for_all: bool = False) -> FastAPI:
    """Give the application that serves the page at `/`, and the metrics, if there are any."""
    app = FastAPI(title="bargein room at Daily", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_add_headers)
    app.get("/health")(_health)
    app.get(TRANSPORT)(_transport)
    if metrics:
        app.get("/metrics")(metrics_route(metrics, for_all=metrics_for_all))
    page = Path(str(files("bargein.transports"))) / "client"
    app.mount("/", StaticFiles(directory=page, html=True), name="page")
    return app


def page_link(page_url: str, room_url: str, token: str) -> str:
    """Give the address that a visitor opens; whoever has it may talk with the bot."""
    return f"{page_url.rstrip('/')}/#room={quote(room_url, safe='')}&t={quote(token, safe='')}"


async def _health() -> dict[str, str]:
    return {"status": "ok"}


async def _transport() -> dict[str, str]:
    """A page whose address names no room asks how to connect."""
    return {"use": "daily"}


async def _add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response
