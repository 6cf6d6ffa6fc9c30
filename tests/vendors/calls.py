"""A bot whose vendors are servers here, in a room, and a caller who says given turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.turn_taking import parts as _keys  # noqa: F401  (it sets keys that are none)
from numpy.typing import NDArray

from bargein.protocol import Error
from bargein.rehearsal.scenario import Act
from bargein.transports.rehearsal.voices import sound_of
from tests.room.caller import Caller
from tests.room.conftest import Open
from tests.turns.parts import heard
from tests.vendors.anthropic import Answer, Anthropic, Request
from tests.vendors.deepgram import Deepgram
from tests.vendors.elevenlabs import ElevenLabs, Wrong
from tests.vendors.latency import Recognition, Synthesis, Writing

BOT = """
pipeline:
  - use: interruption
    reply_within_ms: {reply_within_ms}
  - use: silero_vad
    min_silence_duration_ms: 300
  - use: deepgram_stt
    url: {stt}
{speculation}
  - use: anthropic_llm
    url: {llm}
    retries: {retries}
    stall_ms: 800
  - use: clauses
  - use: elevenlabs_tts
    voice: bench
    url: {tts}
  - use: played_audio
"""
HEARING = Recognition(partial_ms=30, final_ms=90, endpoint_ms=250, quiet_ms=100)


@dataclass(frozen=True, slots=True)
class Call:
    """A caller who is connected, and what the vendors have seen."""

    caller: Caller
    stt: Deepgram
    llm: Anthropic
    tts: ElevenLabs
    url: str

    async def says(self, text: str) -> None:
        """Say a turn."""
        self.caller.say(said(text), after_s=0.1)

    async def answers(self, text: str) -> None:
        """Say a turn, and hear the bot answer it to the end."""
        before = max(self.caller.tape, default=0)
        await self.says(text)
        await self.caller.until(lambda: max(self.caller.tape, default=0) > before)
        await self.idle()

    async def idle(self) -> None:
        """Wait until nobody has the floor."""
        await self.caller.until(lambda: self.caller.floors()[-1:] == ["idle"])

    async def error(self, count: int = 1) -> Error:
        """Wait for a message that something went wrong."""
        return await self.caller.until_message(Error, count=count)


def said(text: str) -> NDArray[np.int16]:
    """The sound of a turn, as the recogniser here knows it."""
    words = " ".join(word.rpartition("|")[2] for word in text.split())
    sound = sound_of(Act(say=words, at_ms=0), Path(), seed=0)
    return (sound * np.iinfo(np.int16).max).astype(np.int16)


@asynccontextmanager
async def call(
    open_room: Open,
    turns: Sequence[str],
    answer: Callable[[Request], Answer],
    *,
    wrong: Callable[[str], Wrong] = lambda text: Wrong.NOTHING,
    writing: Writing = Writing(whole_ms=100),  # noqa: B008  (frozen)
    synthesis: Synthesis = Synthesis(whole_ms=100),  # noqa: B008
    speculation: bool = False,
    retries: int = 0,
    reply_within_ms: int = 1500,
    before_calls: Callable[[], Awaitable[object]] | None = None,
    also: str = "",
) -> AsyncIterator[Call]:
    """Open the servers, the room and a line to it; `also` is YAML beside the pipeline."""
    stt = Deepgram([heard(turn) for turn in turns], lambda _: HEARING)
    llm = Anthropic(str, lambda _: writing, answer=answer)
    tts = ElevenLabs(lambda _: synthesis, wrong=wrong)
    async with AsyncExitStack() as opened:
        urls = [await opened.enter_async_context(each.open()) for each in (stt, llm, tts)]
        overlay = BOT.format(
            stt=urls[0],
            llm=urls[1],
            tts=urls[2],
            retries=retries,
            reply_within_ms=reply_within_ms,
            speculation="  - use: speculation" if speculation else "",
        )
        room = await open_room(overlay + also)
        if before_calls:
            await before_calls()
        caller = await opened.enter_async_context(Caller(room.url))
        yield Call(caller, stt, llm, tts, room.url)
