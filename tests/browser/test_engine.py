"""The whole client in a real Chromium: what reaches the loudspeaker, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bargein.protocol import Played, Reason, Rejected, Truncate

if TYPE_CHECKING:
    from .conftest import Converse
    from .recording import Recording

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPEECH_AT_S = 1.5


async def test_a_rejected_barge_in_loses_and_repeats_no_sample(
    converse: Converse, speech: Recording
) -> None:
    async with converse(speech.after(SPEECH_AT_S)) as talk:
        peer = talk.peer
        await talk.connect()
        await peer.play(1, 0, 96_000)
        at = (await peer.next(Truncate)).played_samples
        await peer.next(Truncate, 3)
        await peer.say(Rejected(epoch=2, utterance=1, at_sample=at, reason=Reason.NO_SPEECH))
        # The server sends again from the cut, and a little before it.
        await peer.play(1, at - 4800, 96_000 - at + 9600, epoch=2, last=True)
        await peer.until(lambda: any(played.finished for played in peer.heard(Played)))
        tape = await talk.tape()
    before, after = tape.stretches
    assert tape.at("silent") == tape.at("detected") == before.at + before.samples
    assert (before.start, before.samples) == (0, at)
    assert not np.any(tape.samples[tape.at("detected") : after.at])
    assert after.start == before.next
    assert before.samples + after.samples == 100_800
