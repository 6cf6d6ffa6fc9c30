"""Who talks with the bot in a room at Daily: the first who says hello, and nobody else.

A visitor who leaves, or of whom nothing is heard any more, makes room for the next one. The
bot stays in the room, and each conversation is a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger

from bargein.errors import BargeinError, ProtocolError
from bargein.marked_track import CHUNK_MS
from bargein.packet import BYTES_PER_SAMPLE
from bargein.processors.clock import monotonic_ms
from bargein.transports.daily.call import Call
from bargein.transports.daily.visitor import Visitor, refusal
from bargein.transports.local.connection import DisconnectedError
from bargein.transports.local.server import expect_hello
from bargein.transports.local.transport import LocalTransport

Serve = Callable[[LocalTransport, Visitor], Awaitable[None]]
"""Runs one conversation, and returns when it is over."""

LOST_S = 6.0
"""The page says something every 2 s; Daily may take half a minute to tell of one who is lost."""
LOOK_EVERY_S = 0.5
END_S = 8.0
"""For the last conversation; a pipeline has 5 s to end."""
HELLO = "bargein/hello"
TAKEN = "somebody else is talking with this bot; come again when they have left"


class Meeting:
    """The call and whoever is in it; implements `Guests`."""

    def __init__(self, library: Any, serve: Serve, *, sample_rate_hz: int) -> None:
        """Each conversation is run by `serve`."""
        self.call = Call(library, self, sample_rate_hz=sample_rate_hz)
        self.visitor: Visitor | None = None
        self._serve = serve
        self._sample_rate_hz = sample_rate_hz
        self._silence = bytes(sample_rate_hz * CHUNK_MS // 1000 * BYTES_PER_SAMPLE)
        self._hosting: asyncio.Task[None] | None = None

    async def run(self, until: asyncio.Event) -> None:
        """Host visitors until the call has ended, or until the event; in bounded time then."""
        tasks = [
            asyncio.create_task(self.call.speak(self._take)),
            asyncio.create_task(self._watch()),
            asyncio.create_task(until.wait()),
            asyncio.create_task(self.call.ended.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what a task has failed with
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.visitor:
                self.visitor.close()
            if self._hosting:
                await asyncio.wait([self._hosting], timeout=END_S)

    @property
    def is_visited(self) -> bool:
        """Whether somebody talks with the bot."""
        return self.visitor is not None

    # --- what the call tells -------------------------------------------------------------

    def told(self, participant: str, value: object) -> None:
        """Hand on what the visitor says; whoever says hello first becomes it."""
        if self.visitor and participant == self.visitor.participant:
            self.visitor.hear_message(value)
        elif isinstance(value, dict) and value.get("type") == HELLO:
            self._greet(participant, value)

    def left(self, participant: str) -> None:
        """The conversation of one who left is over."""
        if self.visitor and participant == self.visitor.participant:
            self.visitor.close()

    def _greet(self, participant: str, hello: object) -> None:
        if self.visitor and self.visitor.closed.is_set():
            return  # the conversation before is being ended; the page says hello again
        if self.visitor:
            logger.info("a second visitor of the room is told that it is taken")
            self.call.send(participant, refusal("room_full", TAKEN))
            return
        visitor = Visitor(self.call, participant, sample_rate_hz=self._sample_rate_hz)
        self.visitor = visitor
        visitor.hear_message(hello)
        self._hosting = asyncio.create_task(self._host(visitor))

    # --- a conversation ------------------------------------------------------------------

    async def _host(self, visitor: Visitor) -> None:
        """Run a conversation from hello to the end; never raises."""
        try:
            hello = await expect_hello(visitor)
            self.call.hear(visitor.participant, visitor.hear_audio)
            transport = LocalTransport(
                visitor, sample_rate_hz=self._sample_rate_hz, capabilities=hello.capabilities
            )
            await self._serve(transport, visitor)
        except DisconnectedError:
            logger.info("a visitor left before the bot was there")
        except ProtocolError as error:
            logger.warning("a visitor was refused ({}): {}", error.code, error)
            visitor.refuse(error.code, str(error))
        except BargeinError as error:
            logger.error("the bot can't run: {}", error)
            visitor.refuse("bot_failed", str(error))
        except Exception:
            logger.exception("the bot can't run")
            visitor.refuse("bot_failed", "the bot failed; the server's log says why")
        finally:
            visitor.close()
            self.visitor = None

    async def _watch(self) -> None:
        """Let go of a visitor of whom nothing is heard."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            visitor = self.visitor
            if visitor and monotonic_ms() - visitor.heard_ms > LOST_S * 1000:
                logger.info("the visitor is lost: nothing was heard for {:.0f} s", LOST_S)
                visitor.close()

    def _take(self) -> bytes:
        return self.visitor.take() if self.visitor else self._silence
