"""The bot's end of the sound process: what a browser's connection is to the local room."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bargein.errors import PartError
from bargein.packet import Packet
from bargein.protocol import Codec, Message
from bargein.transports.device import pipe, worker
from bargein.transports.device.device import Device
from bargein.transports.local.connection import DisconnectedError

OPEN_WITHIN_S = 15.0
"""Its modules load in about a second; a sound server may have to be started."""
EXIT_WITHIN_S = 2.0
SILENT_S = 4.0
"""The sound process says something each second at least: so long silent, it hangs. (Its hello is
waited for a second longer: this is the reason to be told.)"""
LOOK_S = 1.0
"""Silence counts in looks of so long: a bot that was held up itself has missed one, not all."""
MOST_UNREAD_BYTES = 262_144
"""Over 5 s of the bot's voice: the tracker sends a fraction of a second ahead."""
HANGS = (
    "the sound process {does}: it hangs, or the sound server does. "
    "Does `bargein devices` answer? Then run the command again."
)


class DeviceLine:
    """Implements `ClientLink` and what a transport reads from. Whoever calls `open` calls `end`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        note: Callable[[Message], None],
        warn: Callable[[str], None],
        silent_s: float = SILENT_S,
    ) -> None:
        """`note` hears of each message to the client, `warn` of what goes wrong with the device."""
        self.closed = asyncio.Event()
        self.opened: pipe.Opened | None = None
        self.counts = pipe.Counts()
        """As of the last second or so."""
        self.failure = ""
        """Why there is no sound any more, if it is not because the bot hung up."""
        self._process = process
        self._note, self._warn = note, warn
        self._silent_s = silent_s
        self._opening = True

    @classmethod
    async def open(
        cls,
        device: Device,
        *,
        note: Callable[[Message], None],
        warn: Callable[[str], None],
    ) -> DeviceLine:
        """Open microphone and loudspeaker; a PartError says why they can't be."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            worker.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the bot, which then ends it
        )
        line = cls(process, note=note, warn=warn)
        try:
            line._write(pipe.packed(pipe.SETUP, json.dumps(asdict(_setup(device))).encode()))
            async with asyncio.timeout(OPEN_WITHIN_S):
                await line._until_ready()
        except TimeoutError:
            await line.end()
            raise PartError(
                f"microphone and loudspeaker were not open within {OPEN_WITHIN_S:g} s. "
                "Does the sound server hang? `bargein devices` asks it, too."
            ) from None
        except BaseException:
            await line.end()
            raise
        return line

    # --- the server's side ---------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message; dropped once the line is closed."""
        self._note(message)
        self._write(pipe.packed(pipe.TEXT, Codec.write(message).encode()))

    def send_audio(self, packet: Packet) -> None:
        """Send audio; dropped once the line is closed."""
        self._write(pipe.packed(pipe.AUDIO, packet.pack()))

    def send_value(self, value: Mapping[str, Any]) -> None:
        """Send a message of the user's own, as JSON."""
        self._write(pipe.packed(pipe.TEXT, json.dumps(value).encode()))

    async def receive(self) -> str | bytes:
        """Wait for what the client sends next; raises DisconnectedError once it is gone."""
        while True:
            kind, payload = await self._read()
            if kind == pipe.AUDIO:
                return payload
            if kind == pipe.TEXT:
                return payload.decode()
            self._take(kind, payload.decode())

    def close(self) -> None:
        """The server hangs up."""
        self.closed.set()

    async def end(self) -> None:
        """Close the process's input, at which it ends; kill it if it has not within 2 s."""
        self.closed.set()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(EXIT_WITHIN_S):
                await self._drained()
                await self._process.wait()
        except TimeoutError:
            await self._kill()

    async def _kill(self) -> None:
        self._process.kill()
        with contextlib.suppress(TimeoutError):  # a driver that hangs may keep even a killed one
            async with asyncio.timeout(EXIT_WITHIN_S):
                await self._process.wait()

    # --- the pipes -----------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        if self.closed.is_set() or stdin.is_closing():
            return
        stdin.write(data)
        if stdin.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self._fail(HANGS.format(does="reads nothing any more"))

    async def _read(self) -> tuple[bytes, bytes]:
        try:
            header = await self._exactly(pipe.HEADER.size)
            kind, length = pipe.HEADER.unpack(header)
            return kind, await self._exactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self._fail("the sound process ended; its own message stands above")
            raise DisconnectedError from error

    async def _exactly(self, size: int) -> bytes:
        """Wait for so many bytes; raises DisconnectedError if nothing comes for too long."""
        assert self._process.stdout is not None
        silent_s = OPEN_WITHIN_S if self._opening else self._silent_s
        for _ in range(math.ceil(silent_s / LOOK_S)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(silent_s, LOOK_S)):
                    return await self._process.stdout.readexactly(size)
        self._fail(HANGS.format(does=f"has said nothing for {silent_s:g} s"))
        raise DisconnectedError

    def _fail(self, why: str) -> None:
        """The talk is over, and not because the bot hung up."""
        if not self.closed.is_set() and not self.failure:
            self.failure = why
        self.closed.set()

    async def _until_ready(self) -> None:
        while self.opened is None:
            try:
                kind, payload = await self._read()
            except DisconnectedError:
                raise PartError(self.failure) from None
            self._take(kind, payload.decode())
            if self.failure:
                raise PartError(self.failure)

    async def _drained(self) -> None:
        """Read to the end, so that the process is not held up by a full pipe."""
        assert self._process.stdout is not None
        while await self._process.stdout.read(pipe.MOST_BYTES):
            pass

    def _take(self, kind: bytes, text: str) -> None:
        """Something that the sound process says of itself."""
        if kind == pipe.READY:
            self._opening = False
            self.opened = pipe.Opened(**json.loads(text))
        elif kind == pipe.COUNTS:
            self.counts = pipe.Counts(**json.loads(text))
        elif kind == pipe.GONE:
            self._opening = True
            self._warn(text)
        elif kind == pipe.BACK:
            self._opening = False
            self._warn("it is back, and the conversation goes on")
        elif kind == pipe.FAILED:
            self.failure = text


def _setup(device: Device) -> pipe.Setup:
    return pipe.Setup(
        input=device.input,
        output=device.output,
        bot_hz=device.sample_rate_hz,
        echo_cancellation=device.echo_cancellation,
        buffer_ms=device.buffer_ms,
        wait_s=device.wait_s,
    )
