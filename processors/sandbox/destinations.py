"""Permitted hosts: which address inside the worker's network stands for which place outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from bargein.errors import PartError
from bargein.processors.sandbox.setup import Listener

FIRST_ADDRESS = int(IPv4Address("127.64.0.1"))
"""Of those that names get; all of 127.0.0.0/8 is the loopback interface's."""
LOCALHOST, LOCAL_ADDRESS = "localhost", "127.0.0.1"
MOST = 32


@dataclass(frozen=True, slots=True)
class Destination:
    """A place outside, and where the worker finds it."""

    host: str
    port: int
    listener: Listener

    @property
    def is_named(self) -> bool:
        """Whether the host is a name, and no address."""
        return self.host != self.listener.address

    @property
    def is_loopback(self) -> bool:
        """Whether the loopback interface has its address without further ado."""
        return IPv4Address(self.listener.address).is_loopback


def destinations(network: Sequence[str]) -> tuple[Destination, ...]:
    """Read `host:port`s; a PartError where one is none, or IPv6."""
    if len(network) > MOST:
        raise PartError(f"permissions.network names {len(network)} places; at most {MOST} can be")
    addresses: dict[str, str] = {}
    found = []
    for text in network:
        host, port = _split(text)
        if host not in addresses:
            addresses[host] = _address(host, FIRST_ADDRESS + len(addresses))
        found.append(Destination(host, port, Listener(addresses[host], port)))
    return tuple(dict.fromkeys(found))


def hosts_file(places: Sequence[Destination]) -> str:
    """Give the /etc/hosts by which the worker finds them."""
    lines = [f"{each.listener.address} {each.host}\n" for each in places if each.is_named]
    return "".join(dict.fromkeys([f"{LOCAL_ADDRESS} {LOCALHOST}\n", *lines]))


def _split(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16 or host.split() != [host]:
        raise PartError(f"permissions.network: {text!r} is no host:port, like api.example.com:443")
    return host.lower(), int(port)


def _address(host: str, free: int) -> str:
    """Of a name the next free one; an address stands for itself."""
    if host == LOCALHOST:
        return LOCAL_ADDRESS
    try:
        given = ip_address(host.strip("[]"))
    except ValueError:
        return str(IPv4Address(free))
    if isinstance(given, IPv6Address):
        raise PartError(f"permissions.network: {host} is IPv6; write a name, or its IPv4 address")
    return str(given)
