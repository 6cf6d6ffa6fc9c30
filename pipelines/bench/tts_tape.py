"""Keeps what a TTS service makes, and where each word begins: what a tape is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from pipecat.frames.frames import TTSAudioRawFrame, TTSTextFrame
from pipecat.observers.base_observer import BaseObserver, FramePushed

from bargein.measure.ear import Utterance
from bargein.processors.played_audio import START_SAMPLE
from bargein.sound import sound_end
from bargein.truncation import Word

SAMPLE_BYTES = 2


@dataclass(slots=True)
class Made:
    """What was made of one text."""

    pcm: bytearray = field(default_factory=bytearray)
    starts: list[tuple[str, int]] = field(default_factory=list)
    """Words with their first samples, as the service told them."""

    def utterance(self, rate_hz: int) -> Utterance:
        """A word ends where its sound dies away, at the latest where the next word begins."""
        length = len(self.pcm) // SAMPLE_BYTES
        words = []
        for (text, start), (_, until) in pairwise([*self.starts, ("", length)]):
            sound = bytes(self.pcm[start * SAMPLE_BYTES : until * SAMPLE_BYTES])
            words.append(Word(text, start, start + sound_end(sound, rate_hz)))
        return Utterance(np.frombuffer(bytes(self.pcm), dtype="<i2"), words)


class TtsTape(BaseObserver):
    """Sees every frame where it is pushed first."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.made: dict[str, Made] = {}
        """By audio context, in the order in which they began."""

    @property
    def first(self) -> Made:
        """What was made first: the passage."""
        return next(iter(self.made.values()), Made())

    async def on_push_frame(self, data: FramePushed) -> None:
        """Keep audio and words."""
        if not data.first_push:
            return
        match data.frame:
            case TTSAudioRawFrame(audio=pcm, context_id=context_id):
                self._of(context_id).pcm += pcm
            case TTSTextFrame(text=text, context_id=context_id) as frame:
                start = frame.metadata.get(START_SAMPLE)
                if start is not None:
                    self._of(context_id).starts.append((text.strip(), int(start)))

    def _of(self, context_id: str | None) -> Made:
        return self.made.setdefault(context_id or "", Made())
