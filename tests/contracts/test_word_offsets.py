"""What `WordOffsets` relies on in pipecat and pipecat does not promise."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from pipecat.frames.frames import Frame, TTSTextFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.utils.context.word_timestamp_tracker import WordTimestampTracker

from bargein.processors.word_offsets import WordOffsets

tracker_class: Any = WordTimestampTracker
"""Untyped, as pipecat leaves it."""


class Silent(WordOffsets):
    """A service that says nothing, for a look at its parts."""

    def __init__(self) -> None:
        super().__init__(settings=TTSSettings(model=None, voice=None, language=None))

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        yield None


def test_a_word_time_is_the_baseline_of_its_context_plus_what_the_provider_said() -> None:
    tracker: Any = tracker_class()
    assert tracker._baseline is None
    tracker.start(now=5_000)
    assert tracker._baseline == 5_000
    assert tracker.pts(0.25) - tracker._baseline == 250_000_000


def test_the_baseline_follows_the_last_word_of_the_context_before() -> None:
    tracker: Any = tracker_class()
    tracker.last_pts = 7_000
    tracker.start(now=5_000)
    assert tracker._baseline == 7_000
    tracker.reset()
    assert tracker._baseline is None


def test_a_service_keeps_the_tracker_where_we_look() -> None:
    service: TTSService = Silent()
    assert isinstance(service._word_timestamp_tracker, WordTimestampTracker)


def test_a_frame_without_a_time_gets_no_offset() -> None:
    assert TTSTextFrame("hello", "word").pts is None
    assert Silent()._word_baseline_ns() is None
