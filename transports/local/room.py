"""The local room as a config declares it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field


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
                    "The room's own page always may."
                )
            ),
        ] = None,
    ) -> None:
        """Keep the settings; nothing is opened yet."""
        self.host = host
        self.port = port
        self.sample_rate_hz = sample_rate_hz
        self.max_sessions = max_sessions
        self.allowed_origins = frozenset(allowed_origins or ())
