"""Kokoro on this machine: a natural voice of 82 million weights, through kokoro-onnx."""

from __future__ import annotations

from typing import Annotated, Any

from kokoro_onnx import Kokoro
from pipecat.audio.utils import create_stream_resampler
from pipecat.services.kokoro.tts import (
    KOKORO_CACHE_DIR,
    KokoroTTSService,
    _ensure_model_files,
)
from pipecat.services.tts_service import TTSService
from pydantic import Field

from bargein.errors import ConfigError
from bargein.processors.local_model import LocalModel

MODEL, VOICES = "kokoro-v1.0.onnx", "voices-v1.0.bin"


class KokoroTTS(LocalModel, KokoroTTSService):
    """Speaks with Kokoro; it tells no word times, they are estimated."""

    def __init__(
        self,
        *,
        voice: Annotated[
            str, Field(min_length=1, description="Like af_heart, am_michael, bf_emma.")
        ] = "af_heart",
        language: Annotated[
            str, Field(min_length=2, description="As espeak-ng calls it: en-us, en-gb, fr-fr, ...")
        ] = "en-us",
        speed: Annotated[float, Field(ge=0.5, le=2, description="1 is its own.")] = 1.0,
    ) -> None:
        """Take the settings; nothing is loaded yet."""
        # Not Pipecat's constructor for Kokoro, which downloads: what it does besides stands here.
        settings = KokoroTTSService.Settings(
            model=None, voice=voice, language=language, speed=speed
        )
        TTSService.__init__(self, push_start_frame=True, push_stop_frames=True, settings=settings)
        self._wanted_voice = voice
        self._resampler = create_stream_resampler()

    def model_key(self) -> tuple[str, ...]:
        """Name the model, which has all voices."""
        return ("kokoro",)

    def make_model(self) -> Any:
        """Load it from Pipecat's cache, or download it into that."""
        model, voices = KOKORO_CACHE_DIR / MODEL, KOKORO_CACHE_DIR / VOICES
        _ensure_model_files(model, voices)
        return Kokoro(str(model), str(voices))

    def take_model(self, model: Any) -> None:
        """Speak with it; a ConfigError if it has no such voice."""
        if self._wanted_voice not in model.voices:
            known = ", ".join(sorted(model.voices))
            raise ConfigError(f"Kokoro has no voice {self._wanted_voice!r}. Known: {known}.")
        self._kokoro = model
