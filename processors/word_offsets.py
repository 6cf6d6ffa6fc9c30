"""Tells where in the audio each spoken word begins, in samples instead of by the clock.

Pipecat stamps a word's frame with a time: the clock at the push of the context's first chunk, or
the end of the last words if that is later, plus what the provider said. Only that sum survives in
the frame. Whoever must know which words were played needs the provider's part of it.
"""

from __future__ import annotations

from pipecat.frames.frames import Frame, TTSTextFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.tts_service import TTSService

from bargein.processors.played_audio import START_SAMPLE

NANOSECONDS_PER_SECOND = 1_000_000_000


class WordOffsets(TTSService):
    """Stand this before any TTS service with word times: `class Mine(WordOffsets, SomeTTSService)`.

    Each `TTSTextFrame` that has a pts then carries `metadata["start_sample"]`: samples at
    `sample_rate`, counted from the first sample of the audio context `frame.context_id`. A word
    that the provider never timed gets the offset of the word before it. It is as exact as the
    provider's word times.
    """

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        """Add the offset on the way out."""
        if isinstance(frame, TTSTextFrame) and frame.pts is not None:
            baseline_ns = self._word_baseline_ns()
            if baseline_ns is not None:
                since_first_sample_ns = frame.pts - baseline_ns
                frame.metadata[START_SAMPLE] = max(
                    0, round(since_first_sample_ns * self.sample_rate / NANOSECONDS_PER_SECOND)
                )
        await super().push_frame(frame, direction)

    def _word_baseline_ns(self) -> int | None:
        """Give the time that pipecat adds to the words of the context in play, if it has begun.

        Private to pipecat 1.14; `tests/contracts/test_word_offsets.py` holds it.
        """
        return self._word_timestamp_tracker._baseline
