"""The room over WebRTC as a config declares it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bargein.errors import PartError
from bargein.transports.local.room import GRACE_S, LocalRoom


class IceServer(BaseModel):
    """A STUN or TURN server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: str = Field(
        pattern="^(stun|turn|turns):",
        description="`stun:stun.example.org` or `turn:turn.example.org?transport=udp`.",
    )
    username: str | None = Field(default=None, description="A TURN server's user.")
    credential: str | None = Field(default=None, description="A TURN server's password.")


class WebrtcRoom(LocalRoom):
    """One server: the page, and data channels over UDP for audio and control.

    A page that finds no way for UDP connects by WebSocket, at the same server.
    """

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
        ice_servers: Annotated[
            list[IceServer] | None,
            Field(
                description=(
                    "STUN and TURN servers, for a server or a browser behind a router: both ends "
                    "ask them, and the page is told their credentials. None are asked otherwise."
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
        if find_spec("aiortc") is None:
            raise PartError(
                "`use: webrtc` needs the package 'aiortc'. "
                "Install it: pip install 'bargein[webrtc]'."
            )
        super().__init__(
            host=host,
            port=port,
            sample_rate_hz=sample_rate_hz,
            max_sessions=max_sessions,
            allowed_origins=allowed_origins,
            metrics=metrics,
            grace_s=grace_s,
        )
        self.ice = tuple(ice_servers or ())
