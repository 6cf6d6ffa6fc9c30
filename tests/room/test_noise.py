"""A room that gets loud: the server's threshold moves, and the client is told to follow."""

from __future__ import annotations

import numpy as np
import pytest

from bargein.noise import Why
from bargein.protocol import Codec, Hello, VadSettings, Welcome
from tests.room.caller import Caller
from tests.room.conftest import Open

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

FAN_DB = -35
TOLD_WITHIN_S = 1.5
"""One that may interrupt would have been told by then."""


def fan(seconds: float) -> np.ndarray:
    """White noise."""
    samples = np.random.default_rng(3).normal(
        0, 32_768 * 10 ** (FAN_DB / 20), int(16_000 * seconds)
    )
    return samples.astype(np.int16)


async def test_the_client_follows_the_noise_and_hears_of_it_again_after_a_second_welcome(
    open_room: Open,
) -> None:
    served = await open_room()
    async with Caller(served.url, vad=False) as caller:
        caller.say(fan(6))
        await caller.until(
            lambda: [m.why for m in caller.messages(VadSettings)][-1:] == [Why.NOISE]
        )
        settings = caller.messages(VadSettings)[-1]
        assert settings.probability_threshold < caller.welcome.probability_threshold
        assert settings.noise_floor_db == pytest.approx(FAN_DB, abs=3)
        told = len(caller.messages(VadSettings))
        await caller.socket.send(Codec.write(Hello()))
        again = await caller.until_message(VadSettings, count=told + 1, within_s=1)
        assert len(caller.messages(Welcome)) == 2
        assert again.why is Why.NOISE


async def test_a_client_that_may_not_interrupt_is_told_of_no_threshold(open_room: Open) -> None:
    served = await open_room(settings=("pipeline.interruption.barge_in_enabled=false",))
    async with Caller(served.url, vad=False) as caller:
        caller.say(fan(1))
        with pytest.raises(TimeoutError):
            await caller.until_message(VadSettings, within_s=TOLD_WITHIN_S)
