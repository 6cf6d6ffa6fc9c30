"""Addresses in permissions: one host and one port, or a reason."""

from __future__ import annotations

import pytest

from bargein.tools.address import address


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("api.example.com:443", "api.example.com:443"),
        ("API.Example.com.:443", "api.example.com:443"),
        ("localhost:080", "localhost:80"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
    ],
)
def test_one_host_and_one_port_are_an_address(written: str, read: str) -> None:
    assert address(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "", "a", ":443", "a:", "a:0", "a:65536", "a:443:443", "a:b", "a:-1", "*:443", "a.*:1",
        "a:1-9", "https://a:443", "a:443/path", "user@a:443", "10.0.0.256:80", "10.0.0.0/8:80",
        "2001:db8::1:443", "[2001:db8::1]:443", "[::g]:443", "[]:443",
        "-a:443", "a..b:443", "a b:443", f"{'a' * 64}:1",
        "a\u200b:443", "\u0430pi.example.com:443",
    ],
)  # fmt: skip
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        address(written)
