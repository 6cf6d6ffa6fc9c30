"""A room at Daily as a config declares it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import Field

from bargein.errors import PartError

API_URL = "https://api.daily.co/v1"


class DailyRoom:
    """A private room that is made for the run and deleted at its end; one visitor at a time."""

    def __init__(
        self,
        *,
        host: Annotated[
            str,
            Field(description="Address at which the page is served. Use 127.0.0.1 or a proxy."),
        ] = "127.0.0.1",
        port: Annotated[
            int, Field(ge=0, le=65535, description="Port of the page; 0 takes a free one.")
        ] = 7860,
        page_url: Annotated[
            str | None,
            Field(
                description=(
                    "Where the page is, if visitors reach it elsewhere, like "
                    "`https://voice.example.org/`; null: at `host` and `port`."
                )
            ),
        ] = None,
        sample_rate_hz: Annotated[
            int, Field(ge=8000, le=48000, description="Rate of the bot's voice.")
        ] = 24_000,
        expires_min: Annotated[
            int,
            Field(
                ge=1,
                le=1440,
                description=(
                    "The room and its tokens are void after so many minutes, and whoever is "
                    "there is sent away."
                ),
            ),
        ] = 60,
        metrics: Annotated[
            bool | None,
            Field(
                description=(
                    "Whether counts and latencies are served at `/metrics`, beside the page: true "
                    "to whoever reaches the port, false to nobody; left out, to programs of this "
                    "machine only."
                )
            ),
        ] = None,
        api_url: Annotated[
            str, Field(description="Daily's REST API; another address is for tests.")
        ] = API_URL,
    ) -> None:
        """Keep the settings; nothing is opened yet. PartError if the library is missing."""
        if find_spec("daily") is None:
            raise PartError(
                "transport `daily` needs the package 'daily-python'. "
                "Install it: pip install 'bargein[daily]'."
            )
        self.host = host
        self.port = port
        self.page_url = page_url
        self.sample_rate_hz = sample_rate_hz
        self.expires_min = expires_min
        self.metrics = metrics
        self.api_url = api_url.rstrip("/")
