"""The other end of a device's line: a server that says what it is told to, for tests and bench."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bargein.packet import Flag, Kind, Packet
from bargein.protocol import ClientMessage, Codec, Message, Played, Truncate, Welcome
from bargein.rehearsal.levels import Sound, to_pcm
from bargein.rehearsal.scenario import Act
from bargein.transports.device.device import Device
from bargein.transports.device.line import DeviceLine
from bargein.transports.local.connection import DisconnectedError
from bargein.transports.rehearsal.voices import sound_of

from .sound_server import RATE_HZ

BOT_HZ = 24_000
CHUNK = BOT_HZ // 25
BOUND_S = 40.0
LOUD = 300
"""PCM16: above it something sounds."""
LOOK_EVERY_S = 0.05


def spoken(text: str) -> Sound:
    """The user's voice at 16 kHz."""
    return sound_of(Act.model_validate({"say": text}), Path(), 0)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something, but not for ever."""
    try:
        async with asyncio.timeout(BOUND_S):
            while not holds():  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {BOUND_S:g} s") from None


class Server:
    """A server that says what a test has it say, at the other end of the device's line."""

    def __init__(self) -> None:
        self.heard: list[ClientMessage] = []
        self.warnings: list[str] = []
        self.microphone = bytearray()
        """PCM16 at 16 kHz, as the client sends it."""
        self.epoch = 1
        self._seq = 0

    async def open(self, device: Device) -> None:
        """Open the device, and welcome its client."""
        self.line = await DeviceLine.open(device, note=lambda _: None, warn=self.warnings.append)
        self._reading = asyncio.create_task(self._read())
        self.tell(Welcome(sample_rate_hz=BOT_HZ))

    async def _read(self) -> None:
        with suppress(DisconnectedError):
            while True:
                data = await self.line.receive()
                if isinstance(data, str):
                    self.heard.append(Codec.read_client(data))
                else:
                    self.microphone += Packet.unpack(data).pcm

    def tell(self, message: Message) -> None:
        """Say something."""
        self._seq += 1
        self.line.send(
            message.model_copy(update={"session": "s", "seq": self._seq, "epoch": self.epoch})
        )

    def speak(self, sound: Sound, *, begin: int = 0, end: int | None = None) -> None:
        """Send an utterance, from one sample to before another."""
        for start in range(begin, len(sound) if end is None else end, CHUNK):
            flags = Flag.LAST if start + CHUNK >= len(sound) else Flag.NONE
            pcm = to_pcm(sound[start : start + CHUNK])
            self.line.send_audio(Packet(Kind.BOT, self.epoch, 1, start, pcm, flags=flags))

    def truncates(self) -> list[Truncate]:
        """Those that the client sent because of what it heard, repetitions included."""
        return [each for each in self.heard if isinstance(each, Truncate)]

    def has_played(self, samples: int) -> bool:
        """Whether the client told that it has come so far."""
        return any(isinstance(m, Played) and m.played_samples >= samples for m in self.heard)

    async def end(self) -> None:
        """Hang up."""
        await self._reading_done()
        await self.line.end()

    async def _reading_done(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


def sounding(row: NDArray[np.int16]) -> NDArray[np.intp]:
    """The samples at which something is heard."""
    return np.flatnonzero(np.abs(row.astype(int)) > LOUD)


def position_of(end: int, tape: NDArray[np.int16], voice: Sound) -> int:
    """Which sample of the voice, at its rate, sounded at sample `end` of the tape."""
    piece = tape[end - RATE_HZ // 5 : end : 2].astype(float)
    known = voice.astype(float)
    size = len(piece) + len(known)
    product = np.fft.rfft(known, size) * np.conj(np.fft.rfft(piece, size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(known)])) + len(piece)
