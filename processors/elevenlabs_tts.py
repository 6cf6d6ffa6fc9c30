"""ElevenLabs' voices as a part, with the sample of each word."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, Literal

from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
from pydantic import Field

from bargein.config.model import LANGUAGE_PATTERN
from bargein.processors.vendor import ELEVENLABS, Vendor
from bargein.processors.word_offsets import WordOffsets

Stability = Annotated[
    float | None,
    Field(ge=0, le=1, description="How evenly it speaks; null is the voice's own, as below."),
]
Similarity = Annotated[
    float | None, Field(ge=0, le=1, description="How close it keeps to the original voice.")
]
Style = Annotated[
    float | None, Field(ge=0, le=1, description="How much of the original's manner; costs time.")
]
Speed = Annotated[
    float | None, Field(ge=0.7, le=1.2, description="How fast it speaks; 1 is its own.")
]


class ElevenLabsTTS(WordOffsets, ElevenLabsTTSService):
    """Speaks with ElevenLabs, and says where each word begins; the key is `ELEVENLABS_API_KEY`.

    All pieces of one reply are spoken in one context, over a connection that stays open; a lost
    one is made again by itself. Word times come from the service's times of characters.

    Raises `ConfigError` where there is no key.
    """

    vendor: ClassVar[Vendor] = ELEVENLABS

    def __init__(
        self,
        *,
        voice: Annotated[
            str,
            Field(
                pattern=r"^[\w-]+$",
                description="The voice's id; `bargein check --live` lists yours.",
            ),
        ],
        model: Annotated[
            str, Field(pattern=r"^[\w.-]+$", description="A model; the flash ones are fastest.")
        ] = "eleven_flash_v2_5",
        language: Annotated[
            str | None,
            Field(
                pattern=LANGUAGE_PATTERN,
                description="What it speaks, like `en`; null lets the model hear it in the text.",
            ),
        ] = None,
        stability: Stability = None,
        similarity: Similarity = None,
        style: Style = None,
        speed: Speed = None,
        normalise_text: Annotated[
            Literal["auto", "on", "off"] | None,
            Field(description="Whether it spells out figures; null leaves it to ElevenLabs."),
        ] = None,
        keep_logs: Annotated[
            bool, Field(description="Whether ElevenLabs may keep texts; off needs an enterprise.")
        ] = True,
        url: Annotated[
            str, Field(pattern="^wss?://", description="ElevenLabs' address, or a proxy's.")
        ] = ELEVENLABS.url,
    ) -> None:
        """Take the settings and the key; nothing is connected yet."""
        self.access = ELEVENLABS.access(url)
        super().__init__(
            api_key=self.access.key,
            url=self.access.url,
            enable_logging=None if keep_logs else False,
            settings=ElevenLabsTTSService.Settings(
                voice=voice,
                model=model,
                language=language,
                stability=stability,
                similarity_boost=similarity,
                style=style,
                speed=speed,
                apply_text_normalization=normalise_text,
            ),
        )

    def _get_websocket(self) -> Any:
        """Keep back what still comes of contexts that were interrupted.

        Pipecat counts their characters into the time of the next reply's words. Private to
        pipecat 1.14; `tests/contracts/test_elevenlabs.py` holds it.
        """
        return OwnContexts(super()._get_websocket(), self)

    def speaks(self, context_id: str | None) -> bool:
        """Whether a context is still wanted."""
        known = context_id is None or self.audio_context_available(context_id)
        return known or context_id == self._turn_context_id


class OwnContexts:
    """A connection that gives only what belongs to contexts that are still wanted."""

    def __init__(self, socket: Any, voice: ElevenLabsTTS) -> None:
        """Stand before the socket."""
        self._socket, self._voice = socket, voice

    async def send(self, message: str) -> None:
        """Pass it on."""
        await self._socket.send(message)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give message after message, until the connection ends."""
        async for message in self._socket:
            if self._voice.speaks(json.loads(message).get("contextId")):
                yield message
