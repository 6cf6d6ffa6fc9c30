"""One end of the sound, opened: a stream that calls for each block of 10 ms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bargein.errors import PartError
from bargein.transports.device.cards import Card, End, quiet_stderr, sounddevice

FIRST_RATE_HZ = 48_000
"""Nearly every device works at it by itself."""
BLOCK_MS = 10


def opened(end: End, card: Card, buffer_ms: int, callback: Callable[..., None]) -> Any:
    """Give a stream that is not started; PartError if the device can't be opened."""
    sd = sounddevice()
    kind = sd.RawInputStream if end is End.INPUT else sd.RawOutputStream
    reason = ""
    for rate_hz in dict.fromkeys((FIRST_RATE_HZ, card.rate_hz)):
        try:
            with quiet_stderr():
                return kind(
                    samplerate=rate_hz,
                    blocksize=rate_hz * BLOCK_MS // 1000,
                    device=card.index,
                    channels=1,
                    dtype="int16",
                    latency=buffer_ms / 1000,
                    callback=callback,
                )
        except sd.PortAudioError as error:
            reason = str(error)
    raise PartError(
        f"the {end.thing} {card.full_name!r} can't be opened: {reason}. Is it in use by another "
        f"program, or forbidden to this one? `bargein devices` lists the others: name one as "
        f"transport.{end}."
    )


def started(end: End, stream: Any) -> None:
    """Start it; PartError if the device, which could be opened, does not run."""
    try:
        with quiet_stderr():
            stream.start()
    except sounddevice().PortAudioError as error:
        raise PartError(f"the {end.thing} can't be started: {error}. Was it unplugged?") from error
