"""The local room, served in the test's own event loop."""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from bargein.pipelines.ledger import open_ledger
from bargein.pipelines.load import load
from bargein.pipelines.serve import application
from bargein.pipelines.session import warm_up
from bargein.pipelines.shared import open_shared
from bargein.transports.local.room import LocalRoom

BASE = """
name: test
transport: {use: local, port: 0, max_sessions: 2}
endpointing: {smart_turn: false}
pipeline:
  - use: interruption
  - use: silero_vad
    min_silence_duration_ms: 400
  - use: tests.room.parts:GivenStt
    hears: []
  - use: tests.room.parts:GivenLlm
    answers: []
  - use: espeak_tts
  - use: tests.room.parts:Tap
  - use: played_audio
"""


@dataclass(frozen=True)
class Served:
    """A room that is open."""

    url: str
    server: object
    close: Callable[[], Awaitable[None]]
    """End every session, and write what the ledger still holds."""


Open = Callable[..., Awaitable[Served]]


@pytest.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[Open]:
    """Give a function that serves a config (YAML over the base one) and closes with the test."""
    running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []
    opened = ExitStack()

    async def open_it(overlay: str = "", *, settings: tuple[str, ...] = ()) -> Served:
        (tmp_path / "base.yaml").write_text(BASE)
        path = tmp_path / "test.yaml"
        path.write_text("extends: base.yaml\nname: test\n" + textwrap.dedent(overlay))
        config = load(path, overrides=settings, environ=os.environ)
        room = config.transport.build()
        assert isinstance(room, LocalRoom)
        # As the command does: else a collection of all that the tests before have left stops
        # the bot in mid-sentence.
        warm_up(config)
        ledger = opened.enter_context(open_ledger(config.ledger))
        shared = opened.enter_context(open_shared(config))
        local = application(config, room, ledger=ledger, shared=shared)
        server = uvicorn.Server(
            uvicorn.Config(local.app, port=0, log_level="warning", ws="websockets-sansio")
        )
        task = asyncio.create_task(server.serve())
        running.append((server, task))
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        return Served(f"ws://127.0.0.1:{port}/ws", local, close)

    async def close() -> None:
        while running:
            server, task = running.pop()
            server.should_exit = True
            await asyncio.wait_for(task, 10)
        opened.close()

    yield open_it
    await close()
