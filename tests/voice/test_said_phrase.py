"""A voice says phrases before they are needed: any voice, in bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest
from pipecat.frames.frames import Frame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from bargein.processors.espeak_tts import EspeakTTS
from bargein.processors.said_phrase import say_all

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

RATE_HZ = 24_000
PHRASES = ["As I was saying,", "Well, then:"]


class Mute(TTSService):
    """Says nothing, and never ends."""

    def __init__(self) -> None:
        super().__init__(settings=TTSSettings(model=None, voice=None, language=None))

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        await asyncio.Event().wait()
        yield None


async def test_each_phrase_has_its_sound_and_the_place_of_each_word() -> None:
    said = await say_all(EspeakTTS(), PHRASES, rate_hz=RATE_HZ, within_s=5)
    assert list(said) == PHRASES
    for text, phrase in said.items():
        assert [word for word, _ in phrase.words] == text.split()
        starts = [start for _, start in phrase.words if start is not None]
        assert starts == sorted(starts)
        assert starts[0] < starts[-1] < phrase.samples
        assert 0.3 < phrase.samples / RATE_HZ < 2


async def test_a_voice_that_says_nothing_is_not_waited_for() -> None:
    begun = time.monotonic()
    assert await say_all(Mute(), PHRASES, rate_hz=RATE_HZ, within_s=0.3) == {}
    assert time.monotonic() - begun < 3
