"""`bargein run`: the local room's server, from the first line on the terminal to Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from ipaddress import ip_address
from typing import Any

import uvicorn
from loguru import logger

from bargein.errors import ConfigError
from bargein.ledger.recorder import Sink
from bargein.ledger.reporter import Reporter
from bargein.packet import MAX_PACKET_BYTES
from bargein.pipelines.ledger import open_ledger
from bargein.pipelines.live_check import refuse_bad_keys
from bargein.pipelines.load import Config
from bargein.pipelines.preparation import get_ready
from bargein.pipelines.serve_daily import api_key, run_daily
from bargein.pipelines.session import assemble
from bargein.pipelines.shared import NOTHING, Shared, open_shared
from bargein.pipelines.talk import talk
from bargein.transports.daily.room import DailyRoom
from bargein.transports.device.device import Device
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.door import Door
from bargein.transports.local.kept_line import KeptLine
from bargein.transports.local.metrics import RoomMetrics
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.local.server import LocalServer, Routes
from bargein.transports.local.transport import LocalTransport
from bargein.transports.rtvi.prebuilt import PAGE_PATH, page_folder
from bargein.transports.webrtc.room import WebrtcRoom

# A session reports what a processor raises, once and with its traceback.
LOGGED: dict[str | None, str | int | bool] = {
    "pipecat.processors.frame_processor": "CRITICAL",
    "pipecat.pipeline.worker": "CRITICAL",
}
PING_S = 5.0
STOP_S = 5
WEB_SOCKET: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": MAX_PACKET_BYTES,
    "ws_ping_interval": PING_S,
    "ws_ping_timeout": PING_S,
    "ws_per_message_deflate": False,
}
"""How uvicorn carries a conversation."""


def run(config: Config) -> None:
    """Serve the config's room until Ctrl-C; raises ConfigError if the bot can't be made."""
    room = config.transport.build()
    if not isinstance(room, LocalRoom | DailyRoom | Device):
        raise ConfigError(
            "`bargein run` serves transports local, webrtc, daily and device, "
            f"not {config.transport.use}"
        )
    if isinstance(room, DailyRoom):
        api_key(os.environ)
    # At a device the lines of the talk stand on the terminal.
    log_to_terminal("WARNING" if isinstance(room, Device) else "INFO")
    config.try_parts()
    for warning in refuse_bad_keys(config):
        print(f"Warning: {warning}", file=sys.stderr, flush=True)
    get_ready(config)
    if isinstance(room, Device):
        talk(config, room)
        return
    with (
        _listen(room, config) as listener,
        open_ledger(config.ledger) as ledger,
        open_shared(config) as shared,
    ):
        if isinstance(room, LocalRoom):
            _warn_if_open(listener)
        page = authority(room.host, listener.getsockname()[1])
        if isinstance(room, DailyRoom):
            run_daily(config, room, listener, ledger, page, shared)
            return
        print(f"{config.name} ({config.path}, {config.short_digest}) is listening.", flush=True)
        print(f"Open http://{page} in a browser. Ctrl-C ends it.", flush=True)
        if config.ledger:
            print(f"Barge-ins and turns are written to {config.ledger.path}.", flush=True)
        if config.tool_rules.audit:
            print(f"Tool calls are written to {config.tool_rules.audit}.", flush=True)
        if room.rtvi:
            print(_other_clients(page), flush=True)
        server = uvicorn.Server(
            uvicorn.Config(
                application(config, room, ledger=ledger, shared=shared).app,
                log_level="warning",
                timeout_graceful_shutdown=STOP_S,
                **WEB_SOCKET,
            )
        )
        # uvicorn raises it again once every connection is closed.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    print("Stopped.", flush=True)


def log_to_terminal(level: str) -> None:
    logger.remove()
    logger.add(
        sys.stderr,
        format="<dim>{time:HH:mm:ss.SSS}</dim> {message}",
        level=level,
        filter=LOGGED,
        # It would write the values of variables into tracebacks, keys among them.
        diagnose=False,
    )


def application(
    config: Config,
    room: LocalRoom,
    *,
    ledger: Sink | None = None,
    shared: Shared = NOTHING,
    door: Door | None = None,
) -> LocalServer:
    """The room's server, to be run by any ASGI server; each browser gets a bot of its own.

    A `door` says who may talk with the bot over the room's WebSocket, and who that is.
    """
    seats = Seats(room.max_sessions)
    metrics = None if room.metrics is False else RoomMetrics(lambda: seats.taken)
    reporters = (metrics,) if metrics else ()

    async def serve(transport: LocalTransport, line: KeptLine) -> None:
        session = assemble(
            config,
            transport=transport,
            link=line,
            sample_rate_hz=room.sample_rate_hz,
            ledger=ledger,
            reporters=reporters,
            client_has_vad=transport.capabilities.vad,
            shared=shared,
            identity=transport.admitted.identity or line.peer,
            session_id=transport.admitted.session_id,
        )
        await session.run(until=line.closed, greet_after=transport.microphone_heard)

    conversations = Conversations(room, seats, serve, door=door)
    also: Routes | None = None
    if isinstance(room, WebrtcRoom):
        # Imported late, as RTVI's: it needs a package of an extra.
        from bargein.transports.webrtc.routes import WebrtcRoutes

        also = WebrtcRoutes(room, seats, conversations)
    elif room.rtvi:
        also = _rtvi(config, room, seats, ledger, reporters, shared)
    return LocalServer(room, seats, conversations, also=also, metrics=metrics)


def _rtvi(
    config: Config,
    room: LocalRoom,
    seats: Seats,
    ledger: Sink | None,
    reporters: tuple[Reporter, ...],
    shared: Shared,
) -> Routes:
    """The paths for Pipecat's own clients; imported late, for they need packages of an extra."""
    from bargein.transports.rtvi.link import RtviLink
    from bargein.transports.rtvi.routes import RtviRoutes
    from bargein.transports.rtvi.transport import RtviTransport

    async def serve(transport: RtviTransport, link: RtviLink) -> None:
        session = assemble(
            config,
            transport=transport,
            link=link,
            sample_rate_hz=room.sample_rate_hz,
            ledger=ledger,
            reporters=reporters,
            client_has_vad=False,
            shared=shared,
            identity=link.peer,
        )
        await session.run(until=link.closed, greet_after=transport.microphone_heard)

    return RtviRoutes(room, seats, serve)


def _other_clients(page: str) -> str:
    """Say where Pipecat's own clients find the bot."""
    start = f"RTVI clients begin at http://{page}/start"
    if page_folder() is None:
        return f"{start}; Pipecat's prebuilt page is not installed: pip install 'bargein[rtvi]'."
    return f"{start}; Pipecat's prebuilt page is http://{page}{PAGE_PATH}/."


def _listen(room: LocalRoom | DailyRoom, config: Config) -> socket.socket:
    try:
        found = socket.getaddrinfo(room.host, room.port, type=socket.SOCK_STREAM)
        families = [family for family, *_ in found]
        family = socket.AF_INET if socket.AF_INET in families else families[0]
        return socket.create_server((room.host, room.port), family=family, reuse_port=False)
    except (OSError, UnicodeError) as error:  # a name of odd letters is no name
        raise ConfigError(
            f"transport: can't listen at {authority(room.host, room.port)}: "
            f"{_why_not(error, room)}",
            place=config.transport.place,
        ) from error


def _why_not(error: OSError | UnicodeError, room: LocalRoom | DailyRoom) -> str:
    """Say what keeps a socket from listening, and the way out."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return f"no host is called {room.host!r}. Use 127.0.0.1, or mend --host or transport.host."
    if error.errno == errno.EADDRINUSE:
        return (
            "the port is taken. Is another bot running? "
            "Choose another with --port or transport.port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            "this machine has no such address. Use 127.0.0.1, or an address of its own, "
            "with --host or transport.host."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            "this user may not listen there; ports below 1024 are the administrator's. "
            "Choose another with --port or transport.port."
        )
    return f"{error.strerror or error}. Mend transport.host or transport.port."


def authority(host: str, port: int) -> str:
    """Write host and port as a URL has them: an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _warn_if_open(listener: socket.socket) -> None:
    """Warn whoever lets others than this machine connect."""
    address = listener.getsockname()[0]
    if not ip_address(address.partition("%")[0]).is_loopback:
        print(
            f"Warning: {address} is open to others. Browsers give a microphone only on 127.0.0.1 "
            "and https pages, and this room has no tokens: whoever reaches the port can talk "
            "with the bot.",
            file=sys.stderr,
            flush=True,
        )
