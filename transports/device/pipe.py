"""What goes through the pipes between the bot and the process that has the sound card.

Each message is `kind u8 | length u32 | payload`, little endian. `TEXT` and `AUDIO` are those
of bargein/1, both ways.

| kind | to the sound process | from it |
|---|---|---|
| `SETUP` | JSON: the settings, once and first | |
| `READY` | | JSON: what was opened |
| `FAILED` | | what is wrong, in words; it ends then |
| `GONE`, `BACK` | | a device was unplugged (in words), and is there again |
| `COUNTS` | | JSON: underflows and times so far, about once a second |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

HEADER = struct.Struct("<cI")
MOST_BYTES = 1 << 20

SETUP, READY, FAILED = b"S", b"R", b"F"
TEXT, AUDIO = b"T", b"A"
GONE, BACK, COUNTS = b"G", b"B", b"C"


@dataclass(frozen=True, slots=True)
class Setup:
    """What the sound process is told first."""

    input: str | None
    output: str | None
    bot_hz: int
    echo_cancellation: bool
    buffer_ms: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Opened:
    """What the sound process has opened."""

    input: str
    output: str
    input_hz: int
    output_hz: int
    input_ms: float
    """The microphone's latency, as the system tells it."""
    output_ms: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How the sound process does, since it began."""

    blocks: int = 0
    """Of 10 ms, those of the loudspeaker."""
    underflows: int = 0
    """So often the loudspeaker had nothing to play."""
    overflows: int = 0
    """So often sound of the microphone was lost."""
    longest_ms: float = 0.0
    """The longest that a callback took."""
    late: int = 0
    """Callbacks that took longer than the sound that they were for."""
    cpu_s: float = 0.0
    """Of the process, since it began."""
    refused: int = 0
    """Messages of the bot's that the client could not read."""


def packed(kind: bytes, payload: bytes = b"") -> bytes:
    """Give a message as it goes through a pipe."""
    return HEADER.pack(kind, len(payload)) + payload


def of_client(data: str | bytes) -> bytes:
    """Give what is of bargein/1 as it goes through a pipe."""
    return packed(TEXT, data.encode()) if isinstance(data, str) else packed(AUDIO, data)


def messages(pipe: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Give what comes through a pipe, until it closes."""
    while len(header := pipe.read(HEADER.size)) == HEADER.size:
        kind, length = HEADER.unpack(header)
        if length > MOST_BYTES:
            return
        payload = pipe.read(length)
        if len(payload) < length:
            return
        yield kind, payload
