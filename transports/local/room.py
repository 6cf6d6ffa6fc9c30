"""The local room as a config declares it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import Field

from bargein.errors import PartError

GRACE_S = 30.0
"""A page is loaded again in seconds, a phone changes its network in ten."""


class LocalRoom:
    """One server on this machine: the page, and a WebSocket for audio and control."""

    def __init__(
        self,
        *,
        host: Annotated[
            str,
            Field(description="Address to listen at. Browsers allow a microphone on 127.0.0.1."),
        ] = "127.0.0.1",
        port: Annotated[int, Field(ge=0, le=65535, description="Port; 0 takes a free one.")] = 7860,
        sample_rate_hz: Annotated[
            int, Field(ge=8000, le=48000, description="Rate of the bot's voice.")
        ] = 24_000,
        max_sessions: Annotated[
            int,
            Field(ge=1, le=1000, description="So many browsers may talk at once, each to its bot."),
        ] = 4,
        allowed_origins: Annotated[
            list[str] | None,
            Field(
                description=(
                    "Pages of other origins that may connect, like `https://shop.example`. "
                    "The room's own page may, under an address of this machine's; behind a "
                    "proxy with a name, list that name too."
                )
            ),
        ] = None,
        rtvi: Annotated[
            bool,
            Field(
                description=(
                    "Whether Pipecat's own clients may connect too, over WebRTC, and its prebuilt "
                    "page is served at `/prebuilt/`. Needs the extra `rtvi`."
                )
            ),
        ] = False,
        ice_servers: Annotated[
            list[str] | None,
            Field(
                description=(
                    "STUN servers for RTVI clients behind another router, like "
                    "`stun:stun.example.org`. None are asked otherwise."
                )
            ),
        ] = None,
        grace_s: Annotated[
            float,
            Field(
                ge=0,
                le=3600,
                description=(
                    "So long a session waits for a client whose connection was lost; it then goes "
                    "on where it was. Its seat is kept. 0 ends it at once."
                ),
            ),
        ] = GRACE_S,
        metrics: Annotated[
            bool | None,
            Field(
                description=(
                    "Whether counts and latencies are served at `/metrics`, for Prometheus: true "
                    "to whoever reaches the port, false to nobody; left out, to programs of this "
                    "machine only."
                )
            ),
        ] = None,
    ) -> None:
        """Keep the settings; nothing is opened yet. PartError if a package is missing."""
        if rtvi and find_spec("aiortc") is None:
            raise PartError(
                "`rtvi: true` needs the package 'aiortc'. Install it: pip install 'bargein[rtvi]'."
            )
        self.host = host
        self.port = port
        self.sample_rate_hz = sample_rate_hz
        self.max_sessions = max_sessions
        self.allowed_origins = frozenset(allowed_origins or ())
        self.rtvi = rtvi
        self.ice_servers = tuple(ice_servers or ())
        self.metrics = metrics
        self.grace_s = grace_s
