"""What goes between the bot and a worker: `kind u8 | length u32 | payload`, little endian.

| to the worker | payload |
|---|---|
| `SETUP` | JSON of a `Setup`: what it may do, and which function it is for |
| `CALL` | JSON: the arguments, an object |

| from the worker | payload |
|---|---|
| `LISTENING` | nothing; the listening sockets of its network come with it |
| `READY` | nothing; the function is imported and all limits hold |
| `ANSWER` | JSON: what the function returned |
| `TROUBLE` | JSON: `code`, `detail` |

What comes from a worker is written by code that nobody trusts: lengths are bounded before anything
is read, and JSON is the only form.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NoReturn

SETUP, CALL = b"S", b"C"
LISTENING, READY, ANSWER, TROUBLE = b"L", b"R", b"A", b"T"

HEADER = struct.Struct("<cI")
MAX_SETUP_BYTES = 1 << 20
MAX_TROUBLE_BYTES = 4_096
MAX_DETAIL_CHARS = 500


class HungUpError(Exception):
    """The bot is gone."""


class BadAnswerError(Exception):
    """What a worker wrote is no message, or no JSON that can be passed on."""


def packed(kind: bytes, payload: bytes = b"") -> bytes:
    """Give a message as it goes through the channel."""
    return HEADER.pack(kind, len(payload)) + payload


def dumped(value: Any) -> bytes:
    """Give strict JSON; raises ValueError, TypeError or RecursionError for what is none."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def loaded(payload: bytes) -> Any:
    """Read JSON of a worker; raises `BadAnswerError` for all that could hurt whoever uses it.

    NaN, infinities, numbers beyond a double and halves of surrogate pairs are no JSON for others.
    """
    try:
        value = json.loads(
            payload.decode("utf-8"), parse_constant=_refused, parse_float=_finite_number
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadAnswerError(f"it is no JSON: {type(error).__name__}") from None
    return value


def trouble(code: str, detail: str) -> bytes:
    """Give the message that says why there is no answer."""
    return packed(TROUBLE, dumped({"code": code, "detail": detail[:MAX_DETAIL_CHARS]}))


def read_exactly(receive: Callable[[int], bytes], length: int) -> bytes:
    """Read so many bytes; raises `HungUpError` where the other side is gone."""
    parts = []
    while length:
        part = receive(length)
        if not part:
            raise HungUpError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _refused(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite_number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number
