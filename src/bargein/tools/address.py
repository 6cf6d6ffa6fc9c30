"""`host:port`, as a permission names it: one host, one port, nothing that stands for several."""

from __future__ import annotations

import ipaddress
import re

MAX_PORT = 65_535
_FORM = re.compile(r"(?P<host>[^:\[\]/]+):(?P<port>[0-9]{1,5})")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
MAX_HOST_CHARACTERS = 253


def address(text: str) -> str:
    """Give an address in small letters; raises ValueError that says what to write."""
    form = "Write host:port, like api.example.com:443"
    if "://" in text:
        raise ValueError(f"is a URL. {form}")
    if "*" in text:
        raise ValueError("is a pattern. Write each host out, with its port")
    if text.count(":") > 1:
        raise ValueError("is no address, or one of IPv6. Write the host's name")
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"is no address. {form}")
    if not 0 < int(found["port"]) <= MAX_PORT:
        raise ValueError(f"has no port from 1 to {MAX_PORT}")
    host = found["host"].lower().removesuffix(".")
    if not _is_name(host):
        raise ValueError(f"names no host. {form}")
    return f"{host}:{int(found['port'])}"


def _is_name(host: str) -> bool:
    """Whether it is a name of the DNS, or an IPv4 address, which has the same form."""
    if host.replace(".", "").isdecimal():
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    return len(host) <= MAX_HOST_CHARACTERS and all(map(_LABEL.fullmatch, host.split(".")))
