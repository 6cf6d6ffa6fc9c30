"""Tells when the reply's first text and first audio pass."""

from __future__ import annotations

from collections.abc import Mapping

from pipecat.frames.frames import (
    AggregatedTextFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from bargein.latency import Stage
from bargein.ledger.watcher import NOBODY, Watcher

LLM_STAGES: Mapping[type[Frame], Stage] = {LLMTextFrame: Stage.FIRST_TOKEN}
TTS_STAGES: Mapping[type[Frame], Stage] = {
    # A service announces the text that it begins to speak, or at least that it begins.
    AggregatedTextFrame: Stage.FIRST_CLAUSE,
    TTSStartedFrame: Stage.FIRST_CLAUSE,
    TTSAudioRawFrame: Stage.FIRST_TTS_AUDIO,
}
BETWEEN_REPLIES = (LLMFullResponseStartFrame, TTSStoppedFrame, InterruptionFrame)


class StageWatch:
    """Looks at the frames that go down the pipeline at one place."""

    def __init__(self, stages: Mapping[type[Frame], Stage], watcher: Watcher = NOBODY) -> None:
        """Watch for the first frame of each stage in each reply."""
        self._stages, self._watcher = stages, watcher
        self._kinds = tuple(stages)
        self._reached: set[Stage] = set()

    def see(self, frame: Frame) -> None:
        """Tell the watcher, if the reply has come to a stage."""
        if isinstance(frame, self._kinds):
            self._reach(next(self._stages[kind] for kind in self._kinds if isinstance(frame, kind)))
        elif isinstance(frame, BETWEEN_REPLIES):
            self._reached.clear()

    def _reach(self, stage: Stage) -> None:
        if stage not in self._reached:
            self._reached.add(stage)
            self._watcher.stage(stage)


class StageTap(FrameProcessor):
    """Stands behind the LLM, and passes everything on at once.

    Behind the TTS there is none: the audio would pay for it, and the tracker sees the same.
    """

    def __init__(self, watcher: Watcher) -> None:
        """Watch for the first text of each reply."""
        super().__init__(enable_direct_mode=True)
        self._watch = StageWatch(LLM_STAGES, watcher)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at it, and pass it on."""
        await super().process_frame(frame, direction)
        self._watch.see(frame)
        await self.push_frame(frame, direction)
