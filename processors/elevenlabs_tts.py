"""ElevenLabs' voices as a part, with the sample of each word."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

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
