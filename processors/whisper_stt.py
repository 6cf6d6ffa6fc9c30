"""Whisper on this machine, through faster-whisper."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from faster_whisper import WhisperModel
from pipecat.services.whisper.stt import WhisperSTTService
from pydantic import Field

from bargein.processors.local_model import HearsSegments


class WhisperSTT(HearsSegments, WhisperSTTService):
    """Hears what was said when the user pauses, as a whole: it has no partial words."""

    def __init__(
        self,
        *,
        model: Annotated[
            str,
            Field(
                min_length=1,
                description="A size, like tiny.en, base.en, small, large-v3, or a model's folder.",
            ),
        ] = "base.en",
        language: Annotated[
            str | None, Field(description="What is spoken, like en; null finds out by itself.")
        ] = "en",
        device: Literal["auto", "cpu", "cuda"] = "auto",
        compute_type: Annotated[
            str, Field(description="Of the weights: default, int8, float16, ...")
        ] = "default",
        no_speech_probability: Annotated[
            float, Field(ge=0, le=1, description="What the model itself takes for no speech.")
        ] = 0.4,
        prompt: Annotated[
            str | None, Field(description="Words that are likely: names, terms.")
        ] = None,
    ) -> None:
        """Take the settings; nothing is loaded yet."""
        self._wanted = (model, device, compute_type)
        super().__init__(
            device=device,
            compute_type=compute_type,
            settings=WhisperSTTService.Settings(
                model=model,
                language=language,
                no_speech_prob=no_speech_probability,
                initial_prompt=prompt,
            ),
        )

    def _load(self) -> None:
        """Load nothing where Pipecat would; private to pipecat 1.14."""

    def model_key(self) -> tuple[str, ...]:
        """Name the model."""
        return ("whisper", *self._wanted)

    def make_model(self) -> Any:
        """Load it from the cache of Hugging Face, or download it into that."""
        model, device, compute_type = self._wanted
        return WhisperModel(model, device=device, compute_type=compute_type)

    def take_model(self, model: Any) -> None:
        """Work with this model."""
        self._model = model
