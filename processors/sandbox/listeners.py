"""A permitted host, seen from inside: an address of the worker's own network where the bot listens.

The worker has a network that nothing else is in. It listens there and gives the listening socket to
the bot, which accepts and connects on to the one place that this socket stands for. No socket of
the machine's network ever comes in, and nothing inside can choose another place.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address

from bargein.processors.sandbox import channel
from bargein.processors.sandbox.setup import Listener

SIOCSIFADDR = 0x8916
"""Gives an interface an address; from linux/sockios.h."""
IFREQ = struct.Struct("16sHH4s16x")
BACKLOG = 16


def hand_over(listeners: Sequence[Listener], bot: socket.socket) -> None:
    """Listen at each address and give the sockets to the bot, in this order."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for number, listener in enumerate(listeners):
            _own(any_socket, listener.address, number)
    sockets = [_listening(each) for each in listeners]
    message = channel.packed(channel.LISTENING)
    socket.send_fds(bot, [message], [each.fileno() for each in sockets])
    for each in sockets:
        each.close()


def _own(any_socket: socket.socket, address: str, number: int) -> None:
    """Give the loopback interface one more address; 127.0.0.0/8 it has already."""
    if not IPv4Address(address).is_loopback:
        name = f"lo:{number}".encode()
        request = IFREQ.pack(name, socket.AF_INET, 0, socket.inet_aton(address))
        fcntl.ioctl(any_socket, SIOCSIFADDR, request)


def _listening(listener: Listener) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((listener.address, listener.port))
    made.listen(BACKLOG)
    return made
