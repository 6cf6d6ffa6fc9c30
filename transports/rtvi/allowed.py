"""What an RTVI client may say: that it is ready. Everything else is refused, by name.

RTVI lets a client write into the context, forge the result of a tool, send audio past the
microphone or end the bot. Here nothing that a client writes is ever handed to a pipeline:
this list is the only reader, and what is not on it gets an error-response.
"""

from __future__ import annotations

from dataclasses import dataclass

import pipecat.processors.frameworks.rtvi.models as rtvi
from pydantic import ValidationError

from bargein.errors import ProtocolError
from bargein.protocol import MAX_ERROR_CHARACTERS, Codec

MAX_ID_CHARACTERS = 64
KEEPALIVE = "ping"
"""A text that begins so says that the client is there; it is no JSON."""
MAX_KEEPALIVE_CHARACTERS = 64
SIGNALLING = "signalling"
TRACK_STATUS = "trackStatus"
READY = "client-ready"


class RefusedError(ProtocolError):
    """A message that is not on the list; `request` is its id, or empty."""

    def __init__(self, request: str, message: str) -> None:
        """Keep what the answer needs."""
        super().__init__("refused", message[:MAX_ERROR_CHARACTERS])
        self.request = request


@dataclass(frozen=True, slots=True)
class ClientReady:
    """The client is ready for the bot."""

    request: str
    version: tuple[int, ...]
    """Of RTVI, as the client speaks it; empty if it does not say."""


def read(text: str) -> ClientReady | None:
    """Read what a client wrote; None if it needs no answer, and RefusedError for the rest."""
    if text.startswith(KEEPALIVE) and len(text) <= MAX_KEEPALIVE_CHARACTERS:
        return None
    try:
        value = Codec.parse(text)
    except ProtocolError as error:
        raise RefusedError("", str(error)) from None
    if not isinstance(value, dict):
        raise RefusedError("", "a message is a JSON object")
    if _is_track_status(value):
        return None
    request = value.get("id")
    if not isinstance(request, str) or len(request) > MAX_ID_CHARACTERS:
        request = ""
    if value.get("label") != rtvi.MESSAGE_LABEL:
        raise RefusedError(request, f"a message has the label {rtvi.MESSAGE_LABEL!r}")
    if value.get("type") != READY:
        kind = str(value.get("type"))[:MAX_ID_CHARACTERS]
        raise RefusedError(request, f"this bot takes {READY!r} and the microphone, not {kind!r}")
    return ClientReady(request, _version(value))


def _is_track_status(value: dict[str, object]) -> bool:
    """A microphone or camera goes on or off: the audio itself says as much."""
    inner = value.get("message")
    return (
        value.get("type") == SIGNALLING
        and isinstance(inner, dict)
        and inner.get("type") == TRACK_STATUS
    )


def _version(value: dict[str, object]) -> tuple[int, ...]:
    try:
        data = rtvi.ClientReadyData.model_validate(value.get("data"))
        return tuple(int(part) for part in data.version.split(".")[:3])
    except (ValidationError, ValueError):
        return ()
