"""`bargein run` for a room at Daily: makes it, joins it, serves the page, and deletes it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI
from loguru import logger

from bargein.errors import ConfigError
from bargein.ledger.recorder import Sink
from bargein.ledger.reporter import Reporter
from bargein.pipelines.load import Config
from bargein.pipelines.session import assemble
from bargein.pipelines.shared import NOTHING, Shared
from bargein.transports.daily.errors import DailyError
from bargein.transports.daily.library import daily_library
from bargein.transports.daily.meeting import Meeting, Serve
from bargein.transports.daily.page import page_app, page_link
from bargein.transports.daily.rest import Rest, Room
from bargein.transports.daily.room import DailyRoom
from bargein.transports.daily.visitor import Visitor
from bargein.transports.local.metrics import RoomMetrics
from bargein.transports.local.transport import LocalTransport

KEY = "DAILY_API_KEY"
STOP_S = 5.0
DELETE_S = 5.0
"""Ctrl-C waits so long for Daily at most; a room that is left over expires by itself."""
DELETE_UNSEEN_S = 2.0
"""For a room that was asked for and may be there: where Daily is lost, that is soon said."""
SECONDS_PER_MINUTE = 60
NAME_BYTES = 8
"""Nobody else has the same."""


def api_key(environ: dict[str, str] | os._Environ[str]) -> str:
    """Give the key of the account at Daily; ConfigError if there is none."""
    key = environ.get(KEY, "").strip()
    if not key:
        raise ConfigError(
            f"transport `daily` needs the environment variable {KEY}: the key of your account, "
            "from Developers in the dashboard at https://dashboard.daily.co."
        )
    return key


def run_daily(
    config: Config,
    room: DailyRoom,
    listener: socket.socket,
    ledger: Sink | None,
    page: str,
    shared: Shared = NOTHING,
) -> None:
    """Serve until Ctrl-C, or until the room expires; `page` is where the listener is reached."""
    key = api_key(os.environ)
    # Ctrl-C and a polite kill cancel what runs, at whatever step: the room is deleted first.
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        page_url = room.page_url or f"http://{page}"
        asyncio.run(_run(config, room, listener, ledger, page_url, key, shared))
    print("Stopped.", flush=True)


async def _run(
    config: Config,
    room: DailyRoom,
    listener: socket.socket,
    ledger: Sink | None,
    page_url: str,
    key: str,
    shared: Shared = NOTHING,
) -> None:
    running = asyncio.current_task()
    assert running
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(Rest(room.api_url, key))
        made = await stack.enter_async_context(made_room(rest, room.expires_min))
        metrics = None if room.metrics is False else RoomMetrics(lambda: int(meeting.is_visited))
        reporters = (metrics,) if metrics else ()
        meeting = await stack.enter_async_context(
            joined(config, room, rest, made, ledger, reporters=reporters, shared=shared)
        )
        page = page_app(metrics, metrics_for_all=bool(room.metrics))
        await stack.enter_async_context(_serving_page(page, listener))
        link = page_link(page_url, made.url, await rest.visitor_token(made))
        print(f"{config.name} ({config.path}, {config.short_digest}) is in {made.url}", flush=True)
        print(f"Open {link}", flush=True)
        print(
            f"Whoever has that link can talk with the bot for {room.expires_min} minutes. "
            "Ctrl-C ends it.",
            flush=True,
        )
        await meeting.run(until=asyncio.Event())
        if meeting.call.why:
            raise DailyError(f"{meeting.call.why}. Run the command again for a new room.")


def serve_with(
    config: Config,
    sample_rate_hz: int,
    ledger: Sink | None,
    reporters: Iterable[Reporter] = (),
    shared: Shared = NOTHING,
) -> Serve:
    """Give what runs one conversation of this config."""

    async def serve(transport: LocalTransport, visitor: Visitor) -> None:
        session = assemble(
            config,
            transport=transport,
            link=visitor,
            sample_rate_hz=sample_rate_hz,
            ledger=ledger,
            reporters=reporters,
            client_has_vad=transport.capabilities.vad,
            shared=shared,
            identity=visitor.participant,
        )
        await session.run(until=visitor.closed, greet_after=transport.microphone_heard)

    return serve


@asynccontextmanager
async def made_room(rest: Rest, expires_min: int) -> AsyncIterator[Room]:
    """Make a room, and delete it whatever happens; if even that fails, it expires.

    A request that fails, or is cut short, may have made it all the same: it is deleted by its name.
    """
    name, made = f"bargein-{secrets.token_hex(NAME_BYTES)}", None
    expires_s = int(time.time()) + expires_min * SECONDS_PER_MINUTE
    try:
        made = await rest.create_room(name, expires_s=expires_s)
        yield made
    finally:
        try:
            async with asyncio.timeout(DELETE_S if made else DELETE_UNSEEN_S):
                await rest.delete_room(name)
        except (DailyError, TimeoutError) as error:
            if made:
                told = str(error) or f"no answer in {DELETE_S:g} s"
                logger.warning("{} could not be deleted, and expires by itself: {}", made.url, told)


@asynccontextmanager
async def joined(
    config: Config,
    room: DailyRoom,
    rest: Rest,
    made: Room,
    ledger: Sink | None,
    library: Any = None,
    reporters: Iterable[Reporter] = (),
    shared: Shared = NOTHING,
) -> AsyncIterator[Meeting]:
    """Have the bot in the room; it leaves at the end."""
    library = library or daily_library()
    serve = serve_with(config, room.sample_rate_hz, ledger, reporters, shared)
    meeting = Meeting(library, serve, sample_rate_hz=room.sample_rate_hz)
    try:
        token = await rest.bot_token(made, name=config.name)
        await meeting.call.join(made.url, token, name=config.name)
        yield meeting
    finally:
        await meeting.call.leave()


class _Server(uvicorn.Server):
    """Leaves the signals alone: the room must be deleted before the program ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving_page(page: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    server = _Server(
        uvicorn.Config(
            page, log_level="warning", timeout_graceful_shutdown=int(STOP_S), lifespan="off"
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        _, late = await asyncio.wait([serving], timeout=STOP_S)
        for task in late:
            task.cancel()
