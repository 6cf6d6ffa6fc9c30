"""`bargein run`: the local room's server, from the first line on the terminal to Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import sys

import uvicorn
from loguru import logger

from bargein.errors import ConfigError
from bargein.packet import MAX_PACKET_BYTES
from bargein.pipelines.load import Config
from bargein.pipelines.session import assemble, warm_up
from bargein.protocol import Hello
from bargein.transports.local.connection import Connection
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.server import LocalServer
from bargein.transports.local.transport import LocalTransport

# A session reports what a processor raises, once and with its traceback.
LOGGED: dict[str | None, str | int | bool] = {
    "": "INFO",
    "pipecat.processors.frame_processor": "CRITICAL",
    "pipecat.pipeline.worker": "CRITICAL",
}
PING_S = 5.0
STOP_S = 5


def run(config: Config) -> None:
    """Serve the config's room until Ctrl-C; raises ConfigError if the bot can't be made."""
    room = config.transport.build()
    if not isinstance(room, LocalRoom):
        raise ConfigError(f"`bargein run` serves transport local, not {config.transport.use}")
    logger.remove()
    logger.add(
        sys.stderr,
        format="<dim>{time:HH:mm:ss.SSS}</dim> {message}",
        filter=LOGGED,
    )
    config.try_parts()
    warm_up(config)
    with _listen(room, config) as listener:
        port = listener.getsockname()[1]
        print(f"{config.name} ({config.path}, {config.short_digest}) is listening.", flush=True)
        print(f"Open http://{room.host}:{port} in a browser. Ctrl-C ends it.", flush=True)
        server = uvicorn.Server(
            uvicorn.Config(
                application(config, room).app,
                log_level="warning",
                ws="websockets-sansio",
                ws_max_size=MAX_PACKET_BYTES,
                ws_ping_interval=PING_S,
                ws_ping_timeout=PING_S,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        # uvicorn raises it again once every connection is closed.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    print("Stopped.", flush=True)


def application(config: Config, room: LocalRoom) -> LocalServer:
    """The room's server, to be run by any ASGI server; each browser gets a bot of its own."""

    async def serve(transport: LocalTransport, connection: Connection, _hello: Hello) -> None:
        session = assemble(
            config, transport=transport, link=connection, sample_rate_hz=room.sample_rate_hz
        )
        await session.run(until=connection.closed, greet_after=transport.microphone_heard)

    return LocalServer(room, serve)


def _listen(room: LocalRoom, config: Config) -> socket.socket:
    try:
        return socket.create_server((room.host, room.port), reuse_port=False)
    except OSError as error:
        raise ConfigError(
            f"transport: can't listen at {room.host}:{room.port} ({error.strerror}). "
            f"Is another bot running? Choose another with --port or transport.port",
            place=config.transport.place,
        ) from error
