"""Piper on this machine: voices in many languages, fast on a CPU; the package is GPL-3.0."""

from __future__ import annotations

from typing import Annotated, Any

from pipecat.services.piper.tts import PIPER_CACHE_DIR, PiperTTSService
from pipecat.services.tts_service import TTSService
from piper import PiperVoice
from piper.download_voices import download_voice
from pydantic import Field

from bargein.processors.local_model import LocalModel


class PiperTTS(LocalModel, PiperTTSService):
    """Speaks with a Piper voice; it tells no word times, they are estimated."""

    def __init__(
        self,
        *,
        voice: Annotated[
            str,
            Field(
                pattern=r"^[a-z]{2,3}_[A-Z]{2}-\w+-\w+$",
                description="Language, name and quality, like en_US-lessac-medium.",
            ),
        ] = "en_US-lessac-medium",
    ) -> None:
        """Take the settings; nothing is loaded yet."""
        self._name_of_voice = voice
        # Not Pipecat's constructor for Piper, which downloads: what it does besides stands here.
        TTSService.__init__(
            self,
            push_start_frame=True,
            push_stop_frames=True,
            settings=PiperTTSService.Settings(model=None, voice=voice, language=None),
        )

    def model_key(self) -> tuple[str, ...]:
        """Name the voice."""
        return ("piper", self._name_of_voice)

    def make_model(self) -> Any:
        """Load the voice from Pipecat's cache, or download it into that."""
        path = PIPER_CACHE_DIR / f"{self._name_of_voice}.onnx"
        if not path.exists():
            PIPER_CACHE_DIR.mkdir(parents=True, exist_ok=True)
            download_voice(self._name_of_voice, PIPER_CACHE_DIR)
        return PiperVoice.load(path)

    def take_model(self, model: Any) -> None:
        """Speak with this voice."""
        self._voice = model
