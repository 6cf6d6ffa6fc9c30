"""The vendors' parts for servers on this machine, and ElevenLabs' as Pipecat has it."""

from __future__ import annotations

import os

from pipecat.services.elevenlabs.tts import ElevenLabsTTSService

from bargein.processors.anthropic_llm import AnthropicLLM
from bargein.processors.deepgram_flux_stt import DeepgramFluxSTT
from bargein.processors.deepgram_stt import DeepgramSTT
from bargein.processors.elevenlabs_tts import ElevenLabsTTS
from bargein.processors.vendor import VENDORS

KEY = "no-key-is-asked-for-here"
VOICE = "bench"
LLM_MODEL = "claude-haiku-4-5"
VOICE_MODEL = "eleven_flash_v2_5"

for vendor in VENDORS:
    os.environ.setdefault(vendor.key_variable, KEY)


class Nova(DeepgramSTT):
    """Deepgram's recogniser."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        super().__init__(url=url)


class EagerFlux(DeepgramFluxSTT):
    """Deepgram's recogniser that decides itself when a turn is over, and predicts it."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        super().__init__(url=url)


class Claude(AnthropicLLM):
    """Anthropic's LLM."""

    def __init__(self, *, url: str) -> None:
        """Ask `url`."""
        super().__init__(model=LLM_MODEL, url=url)


class Flash(ElevenLabsTTSService):
    """ElevenLabs' voice, which stock Pipecat gets: no samples of words."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        settings = ElevenLabsTTSService.Settings(voice=VOICE, model=VOICE_MODEL)
        super().__init__(api_key=KEY, url=url, settings=settings)


class TimedFlash(ElevenLabsTTS):
    """The same as a part, telling the sample of each word."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        super().__init__(voice=VOICE, model=VOICE_MODEL, url=url)
