"""Waits for what the bot says last to be said."""

from __future__ import annotations

import asyncio

from bargein.floor import Heard

BEGIN_S = 5.0
"""A voice that does not begin in so long has failed."""
END_S = 15.0
"""Nobody listens longer to a goodbye."""


class LastWords:
    """Hears what the bot does."""

    def __init__(self) -> None:
        """Before the words are given to the voice."""
        self._begun, self._ended = asyncio.Event(), asyncio.Event()

    def hear(self, heard: Heard) -> None:
        """The bot began or ended something; an end before the beginning is of what was cut off."""
        if heard is Heard.BOT_STARTED:
            self._begun.set()
        elif heard is Heard.BOT_FINISHED and self._begun.is_set():
            self._ended.set()

    async def said(self) -> bool:
        """Wait until they were played to their end; False if they were not, in bounded time."""
        try:
            async with asyncio.timeout(BEGIN_S):
                await self._begun.wait()
            async with asyncio.timeout(END_S):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True
