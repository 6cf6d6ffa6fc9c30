"""A service whose model runs on this machine: downloaded once, loaded once for all bots.

Making the part loads nothing, so `bargein check` downloads nothing. `bargein run` loads the model
before the first visitor comes; a session that finds none loads it in its setup.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

from loguru import logger
from pipecat.frames.frames import Frame, TranscriptionFrame
from pipecat.processors.frame_processor import FrameProcessor, FrameProcessorSetup

from bargein.errors import PartError
from bargein.processors.transcripts_frames import NoWordsFrame

_LOADED: dict[tuple[str, ...], Any] = {}
_LOADING = threading.Lock()


class LocalModel(FrameProcessor):
    """Stands before a Pipecat service's class; who builds on it says what to load, and how."""

    def model_key(self) -> tuple[str, ...]:
        """Name the model: parts with the same name share it."""
        raise NotImplementedError

    def make_model(self) -> Any:
        """Download the model if it is not here, and load it; blocks, and may raise anything."""
        raise NotImplementedError

    def take_model(self, model: Any) -> None:
        """Work with this model."""
        raise NotImplementedError

    def load_model(self) -> None:
        """Have the model ready; blocks. Raises PartError, which says what to do."""
        key = self.model_key()
        with _LOADING:
            if key not in _LOADED:
                logger.info("loading {}; it is downloaded if it is not here yet", " ".join(key))
                _LOADED[key] = self._made(key)
        self.take_model(_LOADED[key])

    def _made(self, key: tuple[str, ...]) -> Any:
        try:
            return self.make_model()
        except Exception as error:  # the libraries raise whatever their network raises
            first_line = str(error).strip().partition("\n")[0]
            reason = first_line.rstrip(".") or type(error).__name__
            raise PartError(
                f"the model {' '.join(key)} can't be loaded: {reason}. It is downloaded when it is "
                "used first: check its name, and run once where the internet can be reached."
            ) from error

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Load the model, if nobody has."""
        await super().setup(setup)
        await asyncio.to_thread(self.load_model)


class HearsSegments(LocalModel):
    """Of a recogniser that hears what was said as a whole: it says so, too, if it heard nothing."""

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """Transcribe a stretch of speech, PCM16 at 16 kHz."""
        heard = False
        async for frame in super().run_stt(audio):  # type: ignore[misc]
            heard |= isinstance(frame, TranscriptionFrame)
            yield frame
        if not heard:
            yield NoWordsFrame()
