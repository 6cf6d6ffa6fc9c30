"""Calls whose vendors are lost one after another, each with another one to stand in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bargein.failover import Cause
from bargein.ledger.entries import Line, SessionEnd, Turn
from bargein.protocol import Error
from tests.room.caller import Caller, heard_words
from tests.room.conftest import Open, open_room
from tests.turns.parts import heard
from tests.vendors.anthropic import Answer, Anthropic, Request
from tests.vendors.calls import HEARING, said
from tests.vendors.deepgram import Deepgram
from tests.vendors.elevenlabs import ElevenLabs
from tests.vendors.latency import Synthesis, Writing
from tests.vendors.openai import Answer as Said
from tests.vendors.openai import OpenAI

__all__ = ["open_room"]

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

TURNS = ["Two teas please.", "Is there any cake?", "Then I take three.", "Where is my order?"]
OTHER_KEY = "sk-another-key-0123456789"
BOT = """
pipeline:
  - interruption
  - use: silero_vad
    min_silence_duration_ms: 300
  - use:
      - {{use: deepgram_stt, url: '{stt}'}}
      - {{use: deepgram_stt, url: '{other_stt}'}}
  - speculation
  - use:
      - {{use: anthropic_llm, url: '{llm}', retries: 0}}
      - {{use: openai_llm, base_url: '{other_llm}', model: m}}
    silent_ms: {silent_ms}
  - clauses
  - use:
      - {{use: elevenlabs_tts, voice: bench, url: '{tts}'}}
      - {{use: elevenlabs_tts, voice: other, url: '{other_tts}'}}
  - played_audio
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A caller, and what the vendors have seen."""

    caller: Caller
    stt: Deepgram
    llm: Anthropic
    tts: ElevenLabs
    other_llm: OpenAI
    other_tts: ElevenLabs

    async def hears(self, turn: str) -> str:
        """Say a turn, and give the answer as it sounded; marks at its end left out."""
        before = max(self.caller.tape, default=0)
        self.caller.say(said(turn), after_s=0.1)
        await self.caller.until(lambda: max(self.caller.tape, default=0) > before)
        await self.caller.until(lambda: self.caller.floors()[-1:] == ["idle"])
        return " ".join(
            heard_words(self.caller, each) for each in self.caller.tape if each > before
        )


def plainly(request: Request) -> Answer:
    return Answer(f"You said {request.last}")


@asynccontextmanager
async def call(
    open_room: Open, ledger: Path, *, silent: bool = False, silent_ms: int = 5000
) -> AsyncIterator[Call]:
    """Open two of each vendor, the room and a line to it; the LLMs may be `silent`."""
    turns = [heard(turn) for turn in TURNS]
    stt, other_stt = (Deepgram(turns, lambda _: HEARING) for _ in range(2))
    tts, other_tts = (ElevenLabs(lambda _: Synthesis(whole_ms=100)) for _ in range(2))
    writing = Writing(whole_ms=60_000 if silent else 100, first_ms=30_000 if silent else None)
    llm = Anthropic(str, lambda _: writing, answer=plainly)
    stalls_after = 0 if silent else None
    other_llm = OpenAI(
        lambda request: Said(f"The other heard {request.said[-1]}", stalls_after=stalls_after)
    )
    servers: dict[str, Deepgram | Anthropic | ElevenLabs | OpenAI] = {
        "stt": stt,
        "other_stt": other_stt,
        "llm": llm,
        "other_llm": other_llm,
        "tts": tts,
        "other_tts": other_tts,
    }
    async with AsyncExitStack() as opened:
        urls = {
            name: await opened.enter_async_context(each.open()) for name, each in servers.items()
        }
        room = await open_room(
            BOT.format(**urls, silent_ms=silent_ms), settings=(f"ledger.path={ledger}",)
        )
        async with Caller(room.url) as caller:
            yield Call(caller, stt, llm, tts, other_llm, other_tts)
        await room.close()


async def test_a_call_in_which_all_three_vendors_are_lost_goes_on_with_the_others(
    open_room: Open, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    async with call(open_room, ledger) as bot:
        assert await bot.hears(TURNS[0]) == f"You said {TURNS[0][:-1]}"
        bot.llm.account.key = OTHER_KEY
        assert await bot.hears(TURNS[1]) == f"The other heard {TURNS[1][:-1]}"
        bot.tts.account.key = OTHER_KEY
        bot.tts.drop()
        assert await bot.hears(TURNS[2]) == f"The other heard {TURNS[2][:-1]}"
        assert bot.other_tts.contexts
        bot.stt.account.key = OTHER_KEY
        bot.stt.drop()
        assert await bot.hears(TURNS[0]) == f"The other heard {TURNS[0][:-1]}"
        assert not [each for each in bot.caller.messages(Error) if each.final]
    lines = [Line.read(line) for line in ledger.read_text().splitlines()]
    (end,) = (line for line in lines if isinstance(line, SessionEnd))
    assert [(each.failed, each.took_over, each.cause) for each in end.fail_overs] == [
        ("anthropic_llm", "openai_llm", Cause.REFUSED),
        ("elevenlabs_tts", "elevenlabs_tts", Cause.REFUSED),
        # Its connection is cut, and the next one takes over before it is made anew.
        ("deepgram_stt", "deepgram_stt", Cause.FAILED),
    ]
    assert len([line for line in lines if isinstance(line, Turn)]) == 4


async def test_a_client_hears_of_it_when_both_llms_are_silent(
    open_room: Open, tmp_path: Path
) -> None:
    async with call(open_room, tmp_path / "ledger.jsonl", silent=True, silent_ms=600) as bot:
        bot.caller.say(said(TURNS[0]), after_s=0.1)
        error = await bot.caller.until_message(Error)
        assert (error.code, error.final) == ("processor_failed", False)
        assert len(bot.llm.requests) == len(bot.other_llm.requests) == 1
