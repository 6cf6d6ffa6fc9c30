"""Which pages may connect."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from bargein.transports.local.origin import may_connect

HERE, LAN = "127.0.0.1", "192.168.1.7"


@pytest.mark.parametrize(
    ("origin", "host", "server", "may"),
    [
        (None, "127.0.0.1:7860", HERE, True),
        ("http://127.0.0.1:7860", "127.0.0.1:7860", HERE, True),
        ("http://localhost:7860", "localhost:7860", HERE, True),
        ("http://[::1]:7860", "[::1]:7860", "::1", True),
        ("https://192.168.1.7", "192.168.1.7", LAN, True),
        ("http://kiosk.lan:7860", "kiosk.lan:7860", LAN, True),
        ("https://shop.example", "127.0.0.1:7860", HERE, True),
        ("https://shop.example", "shop.example", HERE, True),
        ("null", "127.0.0.1:7860", HERE, False),
        ("http://localhost:8000", "localhost:7860", HERE, False),
        ("http://evil.example:7860", "127.0.0.1:7860", HERE, False),
        # A name that was led to this machine: the browser takes its page for the room's own.
        ("http://evil.example:7860", "evil.example:7860", HERE, False),
        ("http://127.0.0.1.evil.example", "127.0.0.1.evil.example", HERE, False),
        ("http://evil.example", "evil.example", "::1", False),
        ("http://[", "[", HERE, False),
    ],
)
def test_a_page_may_connect_if_it_is_ours_or_listed(
    origin: str | None, host: str, server: str, may: bool
) -> None:
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    scope = {"type": "http", "headers": headers, "server": (server, 7860)}
    assert may_connect(HTTPConnection(scope), {"https://shop.example"}) is may
