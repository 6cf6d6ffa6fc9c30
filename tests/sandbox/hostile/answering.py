"""Handlers that answer what nobody should read, and those that end in other ways."""

from __future__ import annotations

import os
import pickle
import struct
import sys
import time
from typing import Any


class Bomb:
    """Runs something where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a file, if anybody unpickles this."""
        return os.mkdir, ("/tmp/bargein-was-unpickled",)


def garbage() -> None:
    """Write noise where the answer belongs."""
    os.write(_channel(), b"\xff" * 4_096)
    time.sleep(60)


def a_pickle() -> None:
    """Answer with a pickle, as if it were JSON."""
    _answer(pickle.dumps(Bomb()))


def returns_an_object() -> Any:
    """Return what is no JSON."""
    return Bomb()


def two_answers() -> str:
    """Answer, and return another answer."""
    _answer(b'"first"')
    return "second"


def answers_and_hangs() -> None:
    """Answer, and go on."""
    _answer(b'"answered"')
    time.sleep(60)


def promises_too_much() -> None:
    """Announce an answer of 4 GB."""
    os.write(_channel(), struct.pack("<cI", b"A", 0xFFFFFFFF))
    time.sleep(60)


def answers_a_part() -> None:
    """Announce ten bytes and give three."""
    os.write(_channel(), struct.pack("<cI", b"A", 10) + b"[1,")
    os._exit(0)


def deep() -> None:
    """Answer 15,000 arrays, one in the other."""
    _answer(b"[" * 15_000 + b"]" * 15_000)


def nan() -> None:
    """Answer what JSON does not know."""
    _answer(b'{"price": NaN}')


def huge_number() -> None:
    """Answer a number that is infinite for all others."""
    _answer(b"1e999")


def many_digits() -> None:
    """Answer a number that takes minutes to read."""
    _answer(b"9" * 50_000)


def half_a_character() -> None:
    """Answer a text that can't be written as UTF-8."""
    _answer(b'"\\ud800"')


def no_utf8() -> None:
    """Answer bytes that are no text."""
    _answer(b'"\xff"')


def other_trouble() -> None:
    """Pretend to be the worker, with a code that nobody knows."""
    payload = b'{"code": "<script>", "detail": 5}'
    os.write(_channel(), struct.pack("<cI", b"T", len(payload)) + payload)
    time.sleep(60)


def too_long() -> str:
    """Return a megabyte."""
    return "x" * (1 << 20)


def returns_nan() -> float:
    """Return what JSON does not know."""
    return float("nan")


def raises() -> None:
    """Fail, and tell a key while doing so."""
    raise ValueError(f"no access with {os.environ.get('BARGEIN_TEST_PERMITTED')}")


def asks() -> str:
    """Wait for somebody at the keyboard."""
    return input()


def exits() -> None:
    """Leave, as a command would."""
    sys.exit(3)


def dies() -> None:
    """End without a word."""
    os._exit(0)


def crashes() -> None:
    """Use memory that is not there."""
    import ctypes

    ctypes.string_at(8)


def closes_the_channel() -> None:
    """Hang up and go on."""
    os.close(_channel())
    time.sleep(60)


def _channel() -> int:
    """Find the channel: the one socket that is open."""
    return next(each for each in range(3, 64) if _is_socket(each))


def _is_socket(descriptor: int) -> bool:
    try:
        return (os.fstat(descriptor).st_mode & 0o170000) == 0o140000
    except OSError:
        return False


def _answer(payload: bytes) -> None:
    os.write(_channel(), struct.pack("<cI", b"A", len(payload)) + payload)
