"""Which pages may connect: any page of the web may try to reach 127.0.0.1.

A page names its origin truly, and the host that it asks for; but a name of its own may lead
here, too (DNS rebinding). So the room's own page is known by its origin only under an address
of this machine's: a name that leads to the loopback interface has to be listed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Container
from urllib.parse import urlsplit

from loguru import logger
from starlette.requests import HTTPConnection

LOCALHOST = "localhost"
FORWARDING = ("forwarded", "x-forwarded-for", "via")
"""Headers by which a proxy says that somebody else asks."""


def may_connect(connection: HTTPConnection, allowed_origins: Container[str]) -> bool:
    """Whether the page that asks is ours or allowed; what is no page names no origin."""
    origin = connection.headers.get("origin")
    if origin is None or origin in allowed_origins:
        return True
    host = connection.headers.get("host", "")
    own = {f"{scheme}://{host}" for scheme in ("http", "https")}
    if origin in own and not _is_borrowed(host, connection):
        return True
    logger.warning(
        "a page of {} may not connect; list it in transport.allowed_origins if it may", origin
    )
    return False


def asks_from_here(connection: HTTPConnection) -> bool:
    """Whether a program of this machine asks for itself; a proxy does not, nor does a page.

    A page is known by a name that was led here. A proxy that hides that it is one is not known.
    """
    client = connection.client
    if client is None or not _is_loopback(client.host):
        return False
    forwarded = any(name in connection.headers for name in FORWARDING)
    return not forwarded and not _is_borrowed(connection.headers.get("host", ""), connection)


def _is_borrowed(host: str, connection: HTTPConnection) -> bool:
    """Whether somebody's name leads to this machine's loopback interface."""
    server = connection.scope.get("server") or ("", None)
    if not _is_loopback(str(server[0])):
        return False
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    return name != LOCALHOST and not _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback
