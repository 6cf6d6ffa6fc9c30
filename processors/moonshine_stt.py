"""Moonshine on this machine: a small, fast recogniser."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Literal

from pipecat.services.moonshine.stt import MoonshineSTTService
from pydantic import Field

from bargein.processors.local_model import HearsSegments


class OneAtATime:
    """A transcriber that several bots share."""

    def __init__(self, transcriber: Any) -> None:
        """Guard this one."""
        self._transcriber, self._turn = transcriber, threading.Lock()

    def transcribe_without_streaming(self, samples: list[float], rate_hz: int) -> Any:
        """Transcribe a whole stretch of speech, once the one before is done."""
        with self._turn:
            return self._transcriber.transcribe_without_streaming(samples, rate_hz)


class MoonshineSTT(HearsSegments, MoonshineSTTService):
    """Hears what was said when the user pauses, as a whole: it has no partial words."""

    def __init__(
        self,
        *,
        model: Annotated[
            Literal[
                "tiny",
                "base",
                "tiny-streaming",
                "base-streaming",
                "small-streaming",
                "medium-streaming",
            ],
            Field(description="The larger, the better and the slower."),
        ] = "small-streaming",
        language: Annotated[
            str, Field(min_length=2, description="What is spoken: en, es, de, ja, ...")
        ] = "en",
    ) -> None:
        """Take the settings; nothing is loaded yet."""
        self._may_load = False
        self._wanted = (model, language)
        super().__init__(settings=MoonshineSTTService.Settings(model=model, language=language))
        self._may_load = True

    def _load(self) -> Any:
        """Load nothing where Pipecat's constructor would; private to pipecat 1.14."""
        return super()._load() if self._may_load else None

    def model_key(self) -> tuple[str, ...]:
        """Name the model."""
        return ("moonshine", *self._wanted)

    def make_model(self) -> Any:
        """Load it from moonshine's cache, or download it into that."""
        return OneAtATime(self._load())

    def take_model(self, model: Any) -> None:
        """Work with this model."""
        self._transcriber = model
