"""A strictly sequential bot: each step waits for the one before to be complete.

The final transcript, then the LLM's whole reply in one answer, then the whole audio, then it
sounds. Words that come before it sounds begin the work anew, with all of the words: so it never
answers half a turn if the pauses in it are shorter than its work. It does not listen while it
speaks. The vendors' own packages are called, without any pipeline.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from anthropic import AsyncAnthropic
from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.core.events import EventType
from deepgram.listen.v1.types import ListenV1Results
from websockets.asyncio.client import connect

from bargein.rehearsal.levels import RATE_HZ
from bargein.rehearsal.network import NetworkSettings
from bench.turn_taking.parts import KEY, LLM_MODEL, VOICE_MODEL
from bench.turn_taking.phone import PlainPhone
from bench.turn_taking.vendors import Vendors
from tests.vendors.voice import RATE_HZ as BOT_RATE_HZ

MOST_TOKENS = 1024


class SequentialPhone(PlainPhone):
    """Plays what comes."""

    def __init__(self, network: NetworkSettings | None, seed: int) -> None:
        """Hold the line."""
        super().__init__(network, seed)
        self.microphone: asyncio.Queue[bytes] = asyncio.Queue()

    def say(self, pcm: bytes) -> None:
        """The bot speaks."""
        self._down.send(pcm)

    def _arrive(self, data: str | bytes) -> None:
        assert isinstance(data, bytes)
        self.microphone.put_nowait(data)


class Bot:
    """One step after the other."""

    def __init__(self, vendors: Vendors, phone: SequentialPhone) -> None:
        """Serve this phone."""
        self._vendors, self._phone = vendors, phone
        self._llm = AsyncAnthropic(api_key=KEY, base_url=vendors.llm_url)
        self._messages: list[dict[str, str]] = []
        self._words: list[str] = []
        self._reply: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        http = self._vendors.stt_url.replace("ws:", "http:")
        places = DeepgramClientEnvironment(
            base=http,
            production=self._vendors.stt_url,
            agent=self._vendors.stt_url,
            agent_rest=http,
        )
        client = AsyncDeepgramClient(api_key=KEY, environment=places)
        kinds = {"encoding": "linear16", "sample_rate": str(RATE_HZ), "interim_results": "true"}
        async with client.listen.v1.connect(model="nova-3-general", **kinds) as line:
            line.on(EventType.MESSAGE, self._hear)
            listening = asyncio.create_task(line.start_listening())
            self._phone.started.set()
            try:
                while True:
                    await line.send_media(await self._phone.microphone.get())
            finally:
                listening.cancel()
                if self._reply:
                    self._reply.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _hear(self, message: Any) -> None:
        if not isinstance(message, ListenV1Results):
            return
        text = message.channel.alternatives[0].transcript
        if text and self._reply:
            self._reply.cancel()
            self._reply = None
        if text and message.is_final:
            self._words.append(text)
        if text and message.speech_final:
            self._reply = asyncio.create_task(self._answer(" ".join(self._words)))

    async def _answer(self, text: str) -> None:
        asked = {"role": "user", "content": text}
        reply = await self._llm.messages.create(
            model=LLM_MODEL,
            max_tokens=MOST_TOKENS,
            messages=[*self._messages, asked],  # type: ignore[list-item]
        )
        said = str(getattr(reply.content[0], "text", ""))
        pcm = await self._speak(said)
        # From here on it is said: words that still come are of the next turn.
        self._messages += [asked, {"role": "assistant", "content": said}]
        self._words.clear()
        self._reply = None
        self._phone.say(pcm)

    async def _speak(self, text: str) -> bytes:
        path = f"/v1/text-to-speech/bench/multi-stream-input?model_id={VOICE_MODEL}"
        url = f"{self._vendors.tts_url}{path}&output_format=pcm_{BOT_RATE_HZ}&auto_mode=true"
        audio = b""
        async with connect(url) as line:
            await line.send(json.dumps({"text": " ", "context_id": "reply"}))
            await line.send(json.dumps({"text": text, "context_id": "reply"}))
            await line.send(json.dumps({"context_id": "reply", "close_context": True}))
            async for message in line:
                piece = json.loads(message)
                if piece.get("isFinal"):
                    break
                audio += base64.b64decode(piece["audio"])
        return audio


@asynccontextmanager
async def call(
    vendors: Vendors, network: NetworkSettings | None, seed: int
) -> AsyncIterator[SequentialPhone]:
    """Run the bot, and give a phone that is connected to it."""
    phone = SequentialPhone(network, seed)
    running = asyncio.create_task(Bot(vendors, phone).run())
    try:
        yield phone
    finally:
        phone.hang_up()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
