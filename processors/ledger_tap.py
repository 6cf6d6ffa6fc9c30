"""Tells the ledger when the reply's first text and first audio pass; everything goes on at once."""

from __future__ import annotations

from pipecat.frames.frames import (
    Frame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from bargein.ledger.watcher import Stage, Watcher

FRAMES = {Stage.FIRST_TOKEN: LLMTextFrame, Stage.FIRST_TTS_AUDIO: TTSAudioRawFrame}
BEGINNINGS = (LLMFullResponseStartFrame, TTSStartedFrame)


class LedgerTap(FrameProcessor):
    """Stands behind the LLM or the TTS, and only where a ledger is kept."""

    def __init__(self, stage: Stage, watcher: Watcher) -> None:
        """Watch for the first frame of this stage since the last beginning."""
        super().__init__(enable_direct_mode=True)
        self._stage, self._watcher = stage, watcher
        self._awaited: type[Frame] = FRAMES[stage]
        self._reached = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at it, and pass it on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, BEGINNINGS):
            self._reached = False
        elif not self._reached and isinstance(frame, self._awaited):
            self._reached = True
            self._watcher.stage(self._stage)
        await self.push_frame(frame, direction)
