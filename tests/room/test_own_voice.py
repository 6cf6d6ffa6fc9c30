"""Clients that hear the bot from their own loudspeaker, and clients without a VAD."""

from __future__ import annotations

import pytest

from bargein.protocol import Accepted, Reason, Rejected
from tests.room.caller import Caller, same_voice
from tests.room.conftest import Open
from tests.room.parts import Tap
from tests.room.speech import blip, spoken

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

HOUSE = "Our house blend comes from three farms in the hills of Colombia."
LEAK_DB = -20


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Tap.made.clear()


async def test_the_bots_own_voice_does_not_interrupt_it_and_a_user_over_it_does(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {HOUSE} {HOUSE}")
    async with Caller(room.url, leak_db=LEAK_DB) as caller:
        await caller.until(lambda: caller.played_ms(1) > 3500)
        assert not caller.messages(Accepted)
        assert len(caller.messages(Rejected)) <= 3
        caller.say(spoken("No thanks, I would rather have tea."))
        accepted = await caller.until_message(Accepted)
        made = b"".join(Tap.made)[: accepted.cut_samples * 2]
        assert same_voice(bytes(caller.tape[1]), made)


async def test_a_short_sound_is_rejected_where_the_client_has_no_vad_and_nothing_is_lost(
    open_room: Open,
) -> None:
    room = await open_room(f"greeting: {HOUSE}")
    async with Caller(room.url, vad=False) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1000)
        caller.say(blip("oh"))
        rejected = await caller.until_message(Rejected)
        assert rejected.reason is Reason.NO_SPEECH
        await caller.until(lambda: caller.floors()[-1:] == ["idle"])
        assert same_voice(bytes(caller.tape[1]), b"".join(Tap.made))
        assert not caller.messages(Accepted)
