"""Which pages may connect: any page of the web may try to reach 127.0.0.1."""

from __future__ import annotations

from collections.abc import Container

from loguru import logger
from starlette.requests import HTTPConnection


def may_connect(connection: HTTPConnection, allowed_origins: Container[str]) -> bool:
    """Whether the page that asks is ours or allowed; what is no page names no origin."""
    origin = connection.headers.get("origin")
    if origin is None or origin in allowed_origins:
        return True
    own = {f"{scheme}://{connection.headers.get('host')}" for scheme in ("http", "https")}
    if origin in own:
        return True
    logger.warning(
        "a page of {} may not connect; list it in transport.allowed_origins if it may", origin
    )
    return False
