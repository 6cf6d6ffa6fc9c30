"""The whole against Daily itself, where DAILY_API_KEY is set: room, bot, visitor, and the end."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from bargein.pipelines.load import load
from bargein.pipelines.serve_daily import KEY, joined, made_room
from bargein.transports.daily.call import Call
from bargein.transports.daily.library import daily_library
from bargein.transports.daily.rest import Rest
from bargein.transports.daily.room import API_URL, DailyRoom
from tests.daily.test_serve_daily import BOT, HELLO

pytest.importorskip("daily", reason="daily-python is not installed")
pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(KEY not in os.environ, reason=f"{KEY} is not set: no talk with Daily"),
]

EXPIRES_MIN = 5
PATIENCE_S = 30
LOUD = 500


class Visitor:
    """A visitor's end: what the bot told, and whether its voice was heard."""

    def __init__(self) -> None:
        self.messages: dict[str, Any] = {}
        self.bot = ""
        self.heard = False

    def left(self, participant: str) -> None:
        """Nobody leaves first."""

    def told(self, participant: str, value: object) -> None:
        """Keep the last message of each kind."""
        self.bot = participant
        if isinstance(value, dict):
            self.messages[str(value.get("type"))] = value

    def hear(self, pcm: bytes) -> None:
        """Note that it is no silence."""
        self.heard |= int(np.abs(np.frombuffer(pcm, "<i2").astype(int)).max(initial=0)) > LOUD


async def test_a_visitor_at_daily_is_greeted_and_the_room_is_gone_afterwards(
    tmp_path: Path,
) -> None:
    pytest.importorskip("espeakng_loader", reason="the embedded voice is not installed")
    path = tmp_path / "bot.yaml"
    path.write_text(BOT % API_URL)
    config = load(path, environ=os.environ)
    room = config.transport.build()
    assert isinstance(room, DailyRoom)
    visitor, stop = Visitor(), asyncio.Event()
    async with (
        Rest(API_URL, os.environ[KEY]) as rest,
        made_room(rest, EXPIRES_MIN) as made,
        joined(config, room, rest, made, None) as meeting,
    ):
        hosting = asyncio.create_task(meeting.run(stop))
        call = Call(daily_library(), visitor, sample_rate_hz=room.sample_rate_hz)
        await call.join(made.url, await rest.visitor_token(made), name="visitor")
        async with asyncio.timeout(PATIENCE_S):
            while "bargein/welcome" not in visitor.messages:
                for participant in call._client.participants():
                    if participant != "local":
                        call.send(participant, HELLO)
                await asyncio.sleep(1)
            call.hear(visitor.bot, visitor.hear)
            while not (visitor.heard and "bargein/mark" in visitor.messages):
                call.send(visitor.bot, {"type": "bargein/ping"})
                await asyncio.sleep(0.5)
        await call.leave()
        stop.set()
        await asyncio.wait_for(hosting, PATIENCE_S)
    header = {"Authorization": f"Bearer {os.environ[KEY]}"}
    async with (
        aiohttp.ClientSession(headers=header) as session,
        session.get(f"{API_URL}/rooms/{made.name}") as answer,
    ):
        assert answer.status == 404
