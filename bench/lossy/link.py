"""A network of two hosts on this machine, with loss and jitter on every IP packet between them.

This side keeps its namespace and gets NEAR; a network namespace of its own gets FAR. Between them
stand two TUN devices, and this program, which carries packets from one to the other the way
`bargein.rehearsal.network` says. It needs root and `ip`. Run by itself:

    python -m bench.lossy.link --loss 0.05 --jitter-ms 30

until its input is closed; it prints `up` once both hosts are there.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bargein.rehearsal.network import Network, NetworkSettings

NEAR, FAR = "10.77.0.1", "10.77.0.2"
NAMESPACE = "bargein-far"
DEVICES = ("bargein0", "bargein1")
MOST_BYTES = 65_536
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def ip(*words: str, inside: bool = False) -> None:
    """Run `ip`; CalledProcessError where it does not work."""
    where = ("ip", "netns", "exec", NAMESPACE) if inside else ()
    subprocess.run([*where, "ip", *words], check=True)


def open_tun(name: str) -> int:
    """Make a TUN device; it is gone when the descriptor is closed."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


@contextmanager
def hosts() -> Iterator[tuple[int, int]]:
    """Both hosts; gives the descriptors of their devices."""
    ip("netns", "add", NAMESPACE)
    try:
        near, far = map(open_tun, DEVICES)
        ip("link", "set", DEVICES[1], "netns", NAMESPACE)
        for name, own, other, inside in (
            (DEVICES[0], NEAR, FAR, False),
            (DEVICES[1], FAR, NEAR, True),
        ):
            ip("addr", "add", own, "peer", other, "dev", name, inside=inside)
            ip("link", "set", name, "up", "mtu", "1400", inside=inside)
        ip("link", "set", "lo", "up", inside=True)
        yield near, far
    finally:
        ip("netns", "del", NAMESPACE)


def carry(near: int, far: int, settings: NetworkSettings) -> None:
    """Carry packets both ways until the standard input is closed."""
    order = sys.stdin.fileno()
    ways = {near: (Network(settings, seed=1), far), far: (Network(settings, seed=2), near)}
    while True:
        now_ms = time.monotonic() * 1000
        due = [at for network, _ in ways.values() if (at := network.next_due_ms()) is not None]
        wait_s = max(0.0, min(due) - now_ms) / 1000 if due else None
        readable, _, _ = select.select([near, far, order], [], [], wait_s)
        now_ms = time.monotonic() * 1000
        for source in readable:
            if source == order:
                return
            ways[source][0].send(os.read(source, MOST_BYTES), now_ms)
        for network, target in ways.values():
            for packet in network.due(now_ms):
                assert isinstance(packet, bytes)
                os.write(target, packet)


def main() -> None:
    """Read the settings, and carry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--jitter-ms", type=float, default=0.0)
    given = parser.parse_args()
    settings = NetworkSettings(
        delay_ms=given.delay_ms, jitter_ms=given.jitter_ms, loss=given.loss, ordered=False
    )
    with hosts() as (near, far):
        print("up", flush=True)
        carry(near, far, settings)


if __name__ == "__main__":
    main()
