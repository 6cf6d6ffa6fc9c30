"""`bargein serve`: the API and its workers, from the first line on the terminal to Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bargein.control.api_keys import ApiKeys
from bargein.control.limits import Rate
from bargein.control.placement import Pulse
from bargein.control.room import NAME
from bargein.errors import BargeinError, ConfigError
from bargein.pipelines.control import key_ring
from bargein.pipelines.control.api import Access, Api
from bargein.pipelines.control.clerk import Clerk
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.serving import serving
from bargein.pipelines.control.sqlite_store import SqliteStore
from bargein.pipelines.control.supervisor import Supervisor
from bargein.pipelines.control.worker import Bot, Orders
from bargein.pipelines.live_check import refuse_bad_keys
from bargein.pipelines.load import Config, load
from bargein.pipelines.serve import authority, log_to_terminal
from bargein.transports.daily.room import DailyRoom
from bargein.transports.device.device import Device
from bargein.transports.local.room import LocalRoom
from bargein.transports.webrtc.room import WebrtcRoom

API_KEYS = "BARGEIN_API_KEYS"
PUBLIC_BURST = 4
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of the command line."""

    host: str
    port: int
    store: Path
    workers: int
    capacity: int
    media_host: str
    media_url: str
    drain_s: float
    public: bool
    public_per_minute: float
    origins: tuple[str, ...]
    settings: tuple[str, ...]


def serve(paths: Sequence[Path], options: ServeOptions) -> None:
    """Serve until Ctrl-C or SIGTERM; raises BargeinError for what the user can mend."""
    log_to_terminal("INFO")
    keys = ApiKeys.parse(os.environ.pop(API_KEYS, ""), source=API_KEYS)
    if not keys.hashes and not options.public:
        raise ConfigError(
            f"Nobody could ask for a room. Set {API_KEYS} to a key of yours (`openssl rand -hex "
            "32`), or let everybody who reaches the port ask for one: --public."
        )
    bots = named(paths)
    for path in bots.values():
        config = load(path, overrides=options.settings, environ=os.environ)
        check(config)
        for warning in refuse_bad_keys(config):
            print(f"Warning: {warning}", file=sys.stderr, flush=True)
    environ = dict(os.environ)
    if not key_ring.has_keys(environ):
        environ[key_ring.VARIABLE] = key_ring.passing_key()
        print(f"{key_ring.VARIABLE} is not set: tokens are good for this run only.", flush=True)
    ring = KeyRing.of(dict(environ))
    with only_one(options.store), _listen(options) as listener:
        port = int(listener.getsockname()[1])
        options = replace(options, port=port)
        asyncio.run(_serve(bots, options, keys, ring, environ, listener))
    print("Stopped.", flush=True)


def named(paths: Sequence[Path]) -> dict[str, Path]:
    """Give each bot its file's name, without the ending; ConfigError if two have one name."""
    bots: dict[str, Path] = {}
    for path in paths:
        if not NAME.fullmatch(path.stem):
            raise ConfigError(f"{path}: a bot's name stands in addresses; rename the file.")
        if path.stem in bots:
            raise ConfigError(f"{path} and {bots[path.stem]} have one name. Rename one.")
        bots[path.stem] = path.resolve()
    return bots


def check(config: Config) -> None:
    """Make each part once; ConfigError if it can't be, or if workers can't place this bot."""
    room = config.transport.build()
    where = config.transport.place
    if isinstance(room, DailyRoom):
        raise ConfigError("`bargein serve` makes no rooms at Daily; `bargein run` does.",
                          place=where)  # fmt: skip
    if isinstance(room, Device):
        raise ConfigError("A bot at this machine's microphone is served by `bargein run` alone.",
                          place=where)  # fmt: skip
    if isinstance(room, WebrtcRoom) or not isinstance(room, LocalRoom) or room.rtvi:
        raise ConfigError(
            "`bargein serve` places bots of transport `local` without `rtvi`: its tokens come "
            "with the hello of a WebSocket. Use `transport: {use: local}`, or --set "
            "transport.rtvi=false.",
            place=where,
        )
    config.try_parts()


async def _serve(
    bots: dict[str, Path],
    options: ServeOptions,
    keys: ApiKeys,
    ring: KeyRing,
    environ: dict[str, str],
    listener: socket.socket,
) -> None:
    store = SqliteStore(options.store)
    pulse = Pulse()
    clerk = Clerk(store, ring, list(bots), pulse)
    supervisor = Supervisor(
        store,
        lambda worker, number: orders_of(worker, number, bots, options),
        environ,
        options.workers,
        pulse,
        drain_s=options.drain_s,
    )
    api = Api(clerk, access_of(keys, options))
    stopping = _stopping()
    async with serving(api.app, listener, ws="none", server_header=False):
        keeping = asyncio.create_task(supervisor.run())
        _greet(bots, options)
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait([keeping, told], return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            print("Draining; once more ends at once.", flush=True)
        stopping.clear()
        await _first(supervisor.stop(), stopping)
        await supervisor.kill()
        failure = keeping.exception() if keeping.done() else None
        keeping.cancel()
        told.cancel()
        await asyncio.gather(keeping, told, return_exceptions=True)
    await store.close()
    if isinstance(failure, ExceptionGroup):
        raise next((each for each in failure.exceptions if isinstance(each, BargeinError)), failure)


def orders_of(worker: str, number: int, bots: dict[str, Path], options: ServeOptions) -> Orders:
    """Write what a worker is told."""
    return Orders(
        worker=worker,
        number=number,
        store=options.store.resolve(),
        bots=tuple(Bot(name=name, path=path) for name, path in bots.items()),
        settings=options.settings,
        host=options.media_host,
        media_url=options.media_url,
        capacity=options.capacity,
        origins=(*_own_origins(options), *options.origins),
        drain_s=options.drain_s,
    )


def access_of(keys: ApiKeys, options: ServeOptions) -> Access:
    """Say who may ask what."""
    rate = Rate(PUBLIC_BURST, options.public_per_minute / SECONDS_PER_MINUTE)
    return Access(
        keys,
        rate if options.public else None,
        frozenset(options.origins),
        media_sources(options),
    )


def media_sources(options: ServeOptions) -> str:
    """Name where the page may connect: the workers' addresses, and nothing else."""
    if not options.media_url:
        return f"ws://{authority(options.media_host, 0).rpartition(':')[0]}:*"
    parsed = urlsplit(options.media_url.replace("{port}", "0").replace("{worker}", "0"))
    has_variable_port = "{port}" in options.media_url.partition("://")[2].partition("/")[0]
    host = parsed.hostname or ""
    port = ":*" if has_variable_port else f":{parsed.port}" if parsed.port else ""
    return f"{parsed.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _own_origins(options: ServeOptions) -> list[str]:
    """Pages that this server serves."""
    hosts = {options.host, "127.0.0.1", "localhost"}
    return sorted(f"http://{authority(host, options.port)}" for host in hosts)


def _stopping() -> asyncio.Event:
    """Give what Ctrl-C and SIGTERM set."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event


async def _first(work: Any, event: asyncio.Event) -> None:
    tasks = [asyncio.create_task(work), asyncio.create_task(event.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _greet(bots: dict[str, Path], options: ServeOptions) -> None:
    place = f"http://{authority(options.host, options.port)}"
    print(f"Bots: {', '.join(bots)}; {options.workers} workers, {options.capacity} sessions each.")
    print(f"The API is at {place}; what can be asked: {place}/openapi.json.")
    if options.public:
        print(f"Open {place} in a browser: everybody who reaches it may talk with a bot.")
    addresses = {"this address": options.host, "--media-host": options.media_host}
    for name, host in addresses.items():
        with suppress(ValueError):
            if not ip_address(host).is_loopback:
                print(f"Warning: {name}, {host}, is open to others and not encrypted. "
                      "Put a proxy with TLS before it.", file=sys.stderr)  # fmt: skip
    print("Ctrl-C drains and ends.", flush=True)


@contextmanager
def only_one(store: Path) -> Iterator[None]:
    """Keep a second control process away from a store; its end, however it comes, lets go."""
    path = store.with_name(store.name + ".lock")
    try:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise ConfigError(
            f"--store {store}: another `bargein serve` has it. End that one, or name another file."
        ) from None
    except OSError as error:
        raise ConfigError(f"--store {store}: {error.strerror}. Name another file.") from error


def _listen(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"Can't listen at {authority(options.host, options.port)}: {error}. "
            "Choose another --host or --port."
        ) from error
