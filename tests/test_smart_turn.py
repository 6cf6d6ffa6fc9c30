"""The model that hears whether somebody has finished, as bots ask it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from bargein.processors.smart_turn import SmartTurn, TurnAudio
from bargein.protocol import MICROPHONE_RATE_HZ
from tests.room.speech import spoken

SECOND = bytes(2 * MICROPHONE_RATE_HZ)


async def test_bots_that_ask_at_the_same_time_are_told_what_each_would_be_told_alone() -> None:
    told = [spoken(text) for text in ("two teas please", "I would like a")]
    quiet = np.zeros(MICROPHONE_RATE_HZ // 10, np.int16)
    asked = [np.concatenate([each, quiet]).tobytes() for each in told]
    bots = [SmartTurn(), SmartTurn()]
    alone = [await bots[0].probability(each) for each in asked]
    together = await asyncio.gather(*(bots[n % 2].probability(asked[n % 2]) for n in range(4)))
    assert together == [*alone, *alone]
    assert alone[0] != pytest.approx(alone[1], abs=0.01)


async def test_who_asks_about_nothing_gets_an_answer() -> None:
    assert 0 <= await SmartTurn().probability(b"") <= 1


def test_the_last_8_seconds_are_kept() -> None:
    audio = TurnAudio()
    for n in range(40):
        audio.add(bytes([n, 0]) * MICROPHONE_RATE_HZ)
    assert len(audio.heard()) == 8 * len(SECOND)
    assert audio.heard()[0] == 32


def test_what_was_long_before_the_first_word_is_dropped() -> None:
    audio = TurnAudio()
    audio.add(4 * SECOND)
    audio.begins(0.25)
    assert len(audio.heard()) == 0.75 * len(SECOND)
    audio.add(SECOND)
    assert len(audio.heard()) == 1.75 * len(SECOND)
