"""One bot of this package on a line: a config's parts, assembled as `bargein run` does it."""

from __future__ import annotations

import asyncio
import json
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from starlette.websockets import WebSocket

from bargein.pipelines.bench.capacity import CONFIG_VARIABLE, SETTINGS_VARIABLE
from bargein.pipelines.load import Config, load
from bargein.pipelines.session import assemble, warm_up
from bargein.protocol import Accepted, Capabilities, Contested, Ignored, Message, Rejected
from bargein.transports.local.connection import Connection
from bargein.transports.local.transport import LocalTransport
from bench.crowd.line import Line

RATE_HZ = 24_000
CONFIG = """
name: load
transport: {use: local, port: 0}
endpointing: {smart_turn: false}
pipeline:
  - use: interruption
  - use: silero_vad
  - use: bench.crowd.stand_ins:StandInStt
  - use: bench.crowd.stand_ins:StandInLlm
  - use: bench.crowd.stand_ins:StandInTts
  - use: played_audio
"""


class MeasuredConnection(Connection):
    """Notes when the answer to a truncate is given."""

    def __init__(self, line: Line) -> None:
        """Talk over this line."""
        super().__init__(cast(WebSocket, line))
        self._line = line

    def send(self, message: Message) -> None:
        """Note what becomes of a truncate."""
        super().send(message)
        if isinstance(message, Contested):
            self._line.acknowledged()
        elif isinstance(message, Ignored | Accepted | Rejected):
            self._line.withdrawn()


async def run(line: Line) -> None:
    """Talk with one caller until the line is cut."""
    connection = MeasuredConnection(line)
    sender = asyncio.create_task(connection.run())
    transport = LocalTransport(
        connection, sample_rate_hz=RATE_HZ, capabilities=Capabilities(vad=True)
    )
    session = assemble(config(), transport=transport, link=connection, sample_rate_hz=RATE_HZ)
    try:
        await session.run(until=connection.closed, greet_after=transport.microphone_heard)
    finally:
        sender.cancel()


@cache
def config() -> Config:
    """The pipeline with stand-ins, or the one that `bargein bench` names."""
    if named := os.environ.get(CONFIG_VARIABLE):
        settings = json.loads(os.environ.get(SETTINGS_VARIABLE, "[]"))
        loaded = load(Path(named), overrides=settings, environ=os.environ)
    else:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "load.yaml"
            path.write_text(CONFIG)
            loaded = load(path, environ=os.environ)
    warm_up(loaded)
    return loaded
