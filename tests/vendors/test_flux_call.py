"""Deepgram's Flux in a whole bot: it ends the turn, and the reply begins where it expects that."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.room.caller import Caller, heard_words
from tests.room.conftest import Open, open_room
from tests.turns.parts import heard
from tests.vendors.anthropic import Answer, Anthropic
from tests.vendors.calls import HEARING, said
from tests.vendors.elevenlabs import ElevenLabs
from tests.vendors.flux import Flux
from tests.vendors.latency import Synthesis, Writing

__all__ = ["open_room"]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

TURN = "Is there any cake?"
BOT = """
# Our own rules would wait for long.
endpointing: {{smart_turn: false, silence_ms: 4000, likely_silence_ms: 4000}}
ledger: {{path: "{ledger}"}}
pipeline:
  - interruption
  - silero_vad
  - use: deepgram_flux_stt
    url: {stt}
  - use: speculation
    wait_for_final: true
    pause_ms: 1000
    sentence_ms: 5000
    stable_ms: 5000
  - use: anthropic_llm
    url: {llm}
  - use: elevenlabs_tts
    voice: bench
    url: {tts}
  - played_audio
"""


async def test_flux_ends_the_turn_and_the_reply_is_there_by_then(
    open_room: Open, tmp_path: Path
) -> None:
    sure = chain([0.6, 0.6], repeat(0.9))

    def judge(_: NDArray[np.float32]) -> float:
        return next(sure)

    stt = Flux([heard(TURN)], judge, lambda _: HEARING)
    llm = Anthropic(
        str, lambda _: Writing(whole_ms=100), answer=lambda asked: Answer(f"You said {asked.last}")
    )
    tts = ElevenLabs(lambda _: Synthesis(whole_ms=100))
    ledger = tmp_path / "ledger.jsonl"
    async with AsyncExitStack() as opened:
        urls = [await opened.enter_async_context(each.open()) for each in (stt, llm, tts)]
        overlay = BOT.format(ledger=ledger, stt=urls[0], llm=urls[1], tts=urls[2])
        room = await open_room(overlay)
        async with Caller(room.url) as caller:
            caller.say(said(TURN), after_s=0.2)
            await caller.until(lambda: 1 in caller.heard_ms, within_s=5)
            await caller.until(lambda: caller.floors()[-1:] == ["idle"])
            assert heard_words(caller, 1) == f"You said {TURN}"
        await room.close()
    assert len(llm.requests) == 1
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    (turn,) = [line for line in lines if line.get("ended_by")]
    assert turn["ended_by"] == "recogniser"
    told = json.dumps(lines)
    assert '"eager"' in told
    assert '"confirmed": 1' in told or '"outcome": "confirmed"' in told
