"""One conversation with everything in it, written down, and decided again as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from bargein.protocol import Accepted, Rejected
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.room.speech import blip, spoken
from tests.room.test_barge_in import LONG

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


async def test_a_conversation_is_written_down(open_room: Open, tmp_path: Path) -> None:
    room = await open_room(
        f"greeting: {LONG!r}",
        settings=(
            "ledger.path=" + str(tmp_path / "ledger.jsonl"),
            "pipeline.2.hears=['', what about tea, mm-hm]",
            f"pipeline.3.answers=[{LONG!r}]",
        ),
    )
    async with Caller(room.url, threshold=0.3) as caller:
        await caller.until(lambda: caller.played_ms(1) > 1000)
        caller.say(blip())
        await caller.until_message(Rejected)
        await caller.until(lambda: caller.played_ms(1) > 2500)
        caller.say(spoken("mmmmh ahhhh"))
        await caller.until_message(Accepted)
        await caller.until(lambda: caller.played_ms(2) > 1000)
        caller.say(spoken("What about tea, please?"))
        await caller.until_message(Accepted, count=2)
        await caller.until(lambda: caller.played_ms(3) > 1000)
        caller.say(blip("mm"))
        await caller.until_message(Rejected, count=2)
        await caller.until(lambda: caller.floors()[-1:] == ["idle"])
