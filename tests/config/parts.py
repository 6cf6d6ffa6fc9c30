"""Parts that a configuration can name, as small as they can be."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any, Literal

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.stt_service import STTService
from pydantic import BaseModel, ConfigDict, Field, SecretStr

Probability = Annotated[float, Field(ge=0, le=1, description="How sure the model must be.")]


class Gate(FrameProcessor):
    """Stands for the interruption gateway."""

    def __init__(
        self,
        *,
        barge_in_enabled: Annotated[bool, Field(description="Whether one may interrupt.")] = True,
        verdict_deadline_ms: Annotated[int, Field(ge=50, le=2_000)] = 600,
    ) -> None:
        super().__init__()
        self.barge_in_enabled = barge_in_enabled
        self.verdict_deadline_ms = verdict_deadline_ms


class Vad(FrameProcessor):
    """Stands for the VAD."""

    def __init__(
        self,
        *,
        probability_threshold: Probability = 0.65,
        min_silence_duration_ms: Annotated[int, Field(ge=0)] = 700,
    ) -> None:
        super().__init__()
        self.probability_threshold = probability_threshold
        self.min_silence_duration_ms = min_silence_duration_ms


class Stt(FrameProcessor):
    """Stands for a vendor's speech recognition, which wants a key."""

    def __init__(
        self,
        *,
        api_key: Annotated[str, Field(description="The vendor's key.")] = "none",
        pin: SecretStr | None = None,
        model: str = "nova",
        mode: Literal["fast", "exact"] = "fast",
        words: list[str] | None = None,
        headers: dict[str, str] | None = None,
        anything: Any = None,
    ) -> None:
        super().__init__()
        if model == "broken":
            raise RuntimeError(f"the vendor refused {api_key}")
        self.api_key = api_key
        self.pin = pin
        self.model = model
        self.words = words
        self.anything = anything


class Style(BaseModel):
    """A model of a constructor's own."""

    model_config = ConfigDict(extra="forbid")

    warmth: Annotated[int, Field(ge=0, le=10)] = 5


class Llm(FrameProcessor):
    """Stands for a language model that reads a script."""

    def __init__(
        self,
        *,
        script: Annotated[Path, Field(description="What the bot answers.")],
        style: Style | None = None,
        rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.script = script
        self.style = style
        self.rate = rate


class Tts(FrameProcessor):
    """Stands for a voice."""

    def __init__(self, *, voice: str | None = None) -> None:
        super().__init__()
        self.voice = voice


class Played(FrameProcessor):
    """Stands for the played-audio tracker."""


class ShyPlayed(Played):
    """A user's own tracker."""


class Room:
    """Stands for the local room."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: Annotated[int, Field(ge=1, le=65_535)] = 7860
    ) -> None:
        self.host = host
        self.port = port


class Clock:
    """An object that YAML can't write."""


class Wrapper(FrameProcessor):
    """Takes a Python object, and whatever else a FrameProcessor takes."""

    def __init__(self, *, clock: Clock | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clock = clock


class Vendor(STTService):
    """What services of one vendor share."""

    def __init__(self, *, api_key: str, rate_hz: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.api_key = api_key
        self.rate_hz = rate_hz

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Hear nothing."""
        yield None


class VendorStt(Vendor):
    """Passes on what it does not name."""

    def __init__(self, *, model: str = "nova", **kwargs: Any) -> None:
        super().__init__(**{"api_key": "built in", **kwargs})
        self.model = model


class Positional(FrameProcessor):
    """Takes an argument that has no name."""

    def __init__(self, first: int, /) -> None:
        super().__init__()


class Unfinished(STTService):
    """Does not say how it recognises, and so is abstract."""


class Recogniser(STTService):
    """A service of the user's own."""

    def __init__(self, *, language: str = "en") -> None:
        super().__init__()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Hear nothing."""
        yield None


def make_part() -> FrameProcessor:
    """Make a part; it is no class."""
    return Played()
