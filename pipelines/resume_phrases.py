"""What the bot says when it goes on ("As I was saying,") is said once by its own voice at start.

So it sounds at once when it is needed, while the voice is at the rest of the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

from loguru import logger

from bargein.config.structure import Role
from bargein.pipelines.load import Config
from bargein.processors.interruption import Interruption
from bargein.processors.said_phrase import SaidPhrase, say_all

WITHIN_S = 5.0
"""All phrases together; one that is not there by then is said as everything else, when needed."""

_BOOKS: dict[tuple[str, int], Mapping[str, SaidPhrase]] = {}


async def prepare(config: Config, rate_hz: int) -> Mapping[str, SaidPhrase]:
    """Have the config's voice say the phrases, for all sessions of this process."""
    phrases = [phrase for phrase in _phrases(config) if phrase]
    if not phrases:
        return {}
    voice = next(part for part in config.parts if part.role is Role.TTS).build()
    said = await say_all(voice, phrases, rate_hz=rate_hz, within_s=WITHIN_S)
    if late := [phrase for phrase in phrases if phrase not in said]:
        logger.warning("the voice did not say {} in time at start: it will, when needed", late)
    _BOOKS[config.digest, rate_hz] = said
    return said


def prepared(config: Config, rate_hz: int) -> Mapping[str, SaidPhrase]:
    """Give the phrases that were said; none, if nobody has prepared them."""
    return _BOOKS.get((config.digest, rate_hz), {})


def _phrases(config: Config) -> tuple[str, ...]:
    part = next(part for part in config.parts if part.role is Role.INTERRUPTION).build()
    return part.resume_phrases if isinstance(part, Interruption) else ()
