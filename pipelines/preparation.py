"""What a bot does before anybody talks with it, whoever that will be: nobody waits for it then."""

from __future__ import annotations

import asyncio

from loguru import logger

from bargein.pipelines.load import Config
from bargein.pipelines.resume_phrases import prepare
from bargein.pipelines.session import warm_up
from bargein.pipelines.shared import sandboxed

RATE_HZ = 24_000
"""Of the bot's voice, where the config's transport does not say."""


def bot_rate_hz(config: Config) -> int:
    """Give the rate of the bot's voice that the config's transport asks for."""
    return int(str(config.transport.shown.get("sample_rate_hz", RATE_HZ)))


def get_ready(config: Config) -> None:
    """Have the voice say its resume phrases, try the tools, load all models. Not in an event loop.

    PartError if a model is missing and can't be downloaded, or a tool can't be imported;
    ConfigError where this machine can't hold what `tool_rules.sandbox` requires.
    """
    asyncio.run(_try_tools(config))
    asyncio.run(prepare(config, bot_rate_hz(config)))
    warm_up(config)


async def _try_tools(config: Config) -> None:
    """Say at the start what does not hold, and not only when somebody calls."""
    protections = await sandboxed(config).try_out()
    for row in protections.missing if protections else ():
        logger.warning("tools: nothing holds {}: {}", row.hold, row.how)
