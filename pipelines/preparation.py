"""What a bot does before anybody talks with it, whoever that will be: nobody waits for it then."""

from __future__ import annotations

import asyncio

from bargein.pipelines.load import Config
from bargein.pipelines.resume_phrases import prepare
from bargein.pipelines.session import warm_up

RATE_HZ = 24_000
"""Of the bot's voice, where the config's transport does not say."""


def bot_rate_hz(config: Config) -> int:
    """Give the rate of the bot's voice that the config's transport asks for."""
    return int(str(config.transport.shown.get("sample_rate_hz", RATE_HZ)))


def get_ready(config: Config) -> None:
    """Have the voice say its resume phrases, and load all models. Not for an event loop.

    PartError if a model is missing and can't be downloaded.
    """
    asyncio.run(prepare(config, bot_rate_hz(config)))
    warm_up(config)
