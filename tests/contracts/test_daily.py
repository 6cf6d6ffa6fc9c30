"""What we take for granted of Daily's own library; runs where it is installed."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from bargein.transports.daily import call as calls
from bargein.transports.daily.call import Call
from bargein.transports.daily.errors import DailyError
from bargein.transports.daily.library import daily_library

pytest.importorskip("daily", reason="daily-python is not installed")
daily: Any = daily_library()
pytestmark = pytest.mark.slow

RATE_HZ = 24_000
CHUNK = bytes(2 * RATE_HZ // 50)


class Nobody:
    """Guests of whom none comes."""

    def left(self, participant: str) -> None:
        """Never called."""

    def told(self, participant: str, value: object) -> None:
        """Never called."""


def test_a_source_takes_a_second_of_chunks_in_about_a_second() -> None:
    """The library paces the voice by its completions, also before the call is joined."""
    source = daily.CustomAudioSource(RATE_HZ, 1, True)
    daily.CustomAudioTrack(source)
    room = threading.Semaphore(calls.CHUNKS_AHEAD)
    begin_s = time.monotonic()
    for _ in range(50):
        assert room.acquire(timeout=calls.WRITE_S)
        source.write_frames(CHUNK, completion=lambda _taken: room.release())
    # Whoever drops a source that owes a completion hangs for ever.
    for _ in range(calls.CHUNKS_AHEAD):
        assert room.acquire(timeout=calls.WRITE_S)
    assert 0.6 < time.monotonic() - begin_s < 2


async def test_a_room_that_can_not_be_reached_is_said_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "JOIN_S", 1.0)
    call = Call(daily, Nobody(), sample_rate_hz=RATE_HZ)
    begin_s = time.monotonic()
    with pytest.raises(DailyError, match=r"https://127\.0\.0\.1:9/room"):
        await call.join("https://127.0.0.1:9/room", "no-token", name="test")
    await call.leave()
    assert time.monotonic() - begin_s < 1 + calls.LEAVE_S + 1


async def test_a_call_that_was_not_joined_speaks_and_ends_as_well() -> None:
    call = Call(daily, Nobody(), sample_rate_hz=RATE_HZ)
    asked = []

    def take() -> bytes:
        asked.append(1)
        return CHUNK

    speaking = asyncio.create_task(call.speak(take))
    await asyncio.sleep(0.3)
    speaking.cancel()
    await call.leave()
    assert 5 < len(asked) < 40
