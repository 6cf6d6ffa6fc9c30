"""The vendors' services as Pipecat has them, pointed at servers on this machine."""

from __future__ import annotations

from anthropic import AsyncAnthropic
from pipecat.services.anthropic.llm import AnthropicLLMService
from pipecat.services.deepgram.flux.stt import DeepgramFluxSTTService
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.elevenlabs.tts import ElevenLabsTTSService

from bargein.processors.word_offsets import WordOffsets

KEY = "none"
LLM_MODEL = "claude-haiku-4-5"
VOICE_MODEL = "eleven_flash_v2_5"


class Nova(DeepgramSTTService):
    """Deepgram's recogniser."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        super().__init__(api_key=KEY, base_url=url)


class EagerFlux(DeepgramFluxSTTService):
    """Deepgram's recogniser that decides itself when a turn is over, and predicts it."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        super().__init__(api_key=KEY, url=url, enable_eager_end_of_turn=True)


class Claude(AnthropicLLMService):
    """Anthropic's LLM."""

    def __init__(self, *, url: str) -> None:
        """Ask `url`."""
        self._open = AsyncAnthropic(api_key=KEY, base_url=url)
        super().__init__(
            api_key=KEY,
            client=self._open,
            settings=AnthropicLLMService.Settings(model=LLM_MODEL),
        )

    async def cleanup(self) -> None:
        """Close the connections, which Pipecat leaves open."""
        await super().cleanup()
        await self._open.close()


class Flash(ElevenLabsTTSService):
    """ElevenLabs' voice."""

    def __init__(self, *, url: str) -> None:
        """Connect to `url`."""
        settings = ElevenLabsTTSService.Settings(voice="bench", model=VOICE_MODEL)
        super().__init__(api_key=KEY, url=url, settings=settings)


class TimedFlash(WordOffsets, Flash):
    """The same, telling the sample of each word."""
