"""A worker: one process that runs many bots, and ends without harm to anybody else's.

It is started by `bargein serve` with its orders, one line of JSON, on standard input; the end of
that input tells it that whoever started it is gone. Then it takes no new sessions, and goes on with
those that it has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loguru import logger
from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from bargein.control.room import Worker
from bargein.errors import BargeinError, ConfigError
from bargein.ledger.recorder import Sink
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.serving import serving
from bargein.pipelines.control.sqlite_store import SqliteStore
from bargein.pipelines.control.store import Store, StoreError
from bargein.pipelines.control.token_door import TokenDoor
from bargein.pipelines.control.turnstile import Turnstile
from bargein.pipelines.ledger import open_ledger
from bargein.pipelines.load import Config, load
from bargein.pipelines.preparation import get_ready
from bargein.pipelines.serve import WEB_SOCKET, application, authority, log_to_terminal
from bargein.pipelines.shared import Shared, open_shared
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.server import LocalServer

BEAT_S = 1.0
ORPHAN_S = 3600.0
"""A worker whose supervisor is gone goes on with its talks for so long at most."""
LAST_WORDS_S = 3.0
"""For the talks that are cut short to be told, and written down."""


class Bot(BaseModel):
    """A bot by its name in addresses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    path: Path


class Orders(BaseModel):
    """What a worker is told at its start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worker: str
    number: int
    """Of the workers side by side; it stands for `{worker}` in `media_url`."""
    store: Path
    bots: tuple[Bot, ...]
    settings: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    media_url: str = ""
    """Where clients reach it, with `{worker}` and `{port}`; empty for its own address."""
    capacity: int
    origins: tuple[str, ...] = ()
    drain_s: float


@dataclass(frozen=True, slots=True)
class _Opened:
    """A bot, and what its sessions share."""

    name: str
    config: Config
    ledger: Sink | None
    shared: Shared


def run(orders: Orders) -> None:
    """Serve until SIGTERM, or until nobody is left to serve; raises BargeinError."""
    ring = KeyRing.of(os.environ)
    with socket.create_server((orders.host, 0)) as listener, ExitStack() as files:
        bots = [_opened(bot, orders, files) for bot in orders.bots]
        asyncio.run(_serve(orders, ring, bots, listener))


def _opened(bot: Bot, orders: Orders, files: ExitStack) -> _Opened:
    """Load a bot, with all that takes time."""
    config = load(bot.path, overrides=orders.settings, environ=os.environ)
    get_ready(config)
    ledger = files.enter_context(open_ledger(config.ledger))
    return _Opened(bot.name, config, ledger, files.enter_context(open_shared(config)))


async def _serve(
    orders: Orders, ring: KeyRing, bots: Sequence[_Opened], listener: socket.socket
) -> None:
    store = SqliteStore(orders.store)
    door = TokenDoor(store, ring, orders.worker)
    rooms = {
        bot.name: application(
            bot.config,
            room_of(bot.config, orders),
            ledger=bot.ledger,
            shared=bot.shared,
            door=door,
        )
        for bot in bots
    }
    async with serving(Turnstile(worker_app(rooms)), listener, **WEB_SOCKET):
        beating = asyncio.create_task(_beat(orders, store, door, listener.getsockname()[1]))
        try:
            await _until_told(orders, door)
        finally:
            door.hang_up_all()
            await _first_of(door.empty, within_s=LAST_WORDS_S)
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
    await store.close()


def room_of(config: Config, orders: Orders) -> LocalRoom:
    """Give the config's room as a worker has it: pages of the control plane may connect."""
    room = config.transport.build()
    if not isinstance(room, LocalRoom):
        raise ConfigError(f"{config.path}: a worker serves transport local alone")
    room.allowed_origins |= set(orders.origins)
    room.max_sessions = orders.capacity
    return room


def worker_app(rooms: dict[str, LocalServer]) -> Starlette:
    """Each bot's room under its name; `/health` says that the process answers."""

    async def health(_: object) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    paths = [Mount(f"/{name}", local.app, name=name) for name, local in rooms.items()]
    return Starlette(routes=[Route("/health", health), *paths])


async def _until_told(orders: Orders, door: TokenDoor) -> None:
    """Wait for SIGTERM, or for the supervisor's end; then for the talks' end, in bounded time."""
    loop, told, left = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_reader(sys.stdin.fileno(), _read_on, loop, left)
    await _first_of(told, left)
    door.is_draining = True
    logger.info("worker {} drains, {} talk", orders.worker, door.talking)
    if not told.is_set():
        logger.warning("worker {}: its supervisor is gone", orders.worker)
        await _first_of(door.empty, told, within_s=ORPHAN_S)
    if told.is_set():
        await _first_of(door.empty, within_s=orders.drain_s)


def _read_on(loop: asyncio.AbstractEventLoop, left: asyncio.Event) -> None:
    """Nothing is told after the orders; the end of the input is what is waited for."""
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        left.set()


async def _first_of(*events: asyncio.Event, within_s: float | None = None) -> None:
    """Wait for any of them, or until time is over."""
    waiting = [asyncio.create_task(each.wait()) for each in events]
    await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _beat(orders: Orders, store: Store, door: TokenDoor, port: int) -> None:
    """Say each second that this worker is there, and end what shall end."""
    own = f"ws://{authority(orders.host, port)}"
    url = orders.media_url.replace("{worker}", str(orders.number)).replace("{port}", str(port))
    count = 0
    while True:
        count += 1
        worker = Worker(
            orders.worker,
            url.rstrip("/") or own,
            orders.capacity,
            os.getpid(),
            is_draining=door.is_draining,
            beat=count,
            refused=dict(door.refused),
        )
        try:
            await store.beat(worker)
            for session in await store.ending(orders.worker):
                door.hang_up(session)
        except StoreError as error:
            logger.error("worker {}: {}", orders.worker, error)
        await asyncio.sleep(BEAT_S)


def main() -> None:
    """Read the orders and serve; what is wrong is one line on stderr, and exit status 1."""
    log_to_terminal("INFO")
    try:
        run(Orders.model_validate_json(sys.stdin.buffer.readline()))
    except BargeinError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
