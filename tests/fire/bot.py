"""A bot that speaks by hand: an LLM and a TTS that put frames into the played-audio tracker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import numpy as np
from pipecat.frames.frames import (
    Frame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)

from bargein.processors.played_audio import START_SAMPLE
from tests.fire.hand_clock import Alarm, HandClock

RATE_HZ = 8000
"""Low, so that much time passes in little."""
CHUNK_MS = 40
CHUNK_SAMPLES = RATE_HZ * CHUNK_MS // 1000
PART = "part"
"""Key of the metadata of a TTSStartedFrame: which part of the bot's speech begins."""
LEVELS = 30_000
FULL_VOICE = 2000
"""No sample is silent: a word ends where the next begins."""


def voice(part: int, start: int, count: int) -> bytes:
    """PCM16 in which each sample tells its place, and the parts differ."""
    index = np.arange(start, start + count) + part * 7919
    return bytes((index % LEVELS + FULL_VOICE).astype("<i2").tobytes())


@dataclass(frozen=True)
class Speech:
    """What to say: the lengths of the words, in chunks, of each utterance."""

    utterances: tuple[tuple[int, ...], ...]
    speed: float = 4.0
    """Of the TTS: so many times as fast as it sounds."""
    silent: bool = False
    """The LLM answers with nothing."""
    by_llm: bool = True


@dataclass
class Bot:
    """Makes frames at the pace of a TTS; an interruption ends what is being made."""

    clock: HandClock
    random: Random
    give: Callable[[Frame], None]
    parts: int = 0
    words: int = 0
    making: list[Alarm] = field(default_factory=list)
    busy_until_ms: float = 0

    def say(self, speech: Speech) -> None:
        """Begin to make it; behind what is being made already, as in a queue."""
        plan: list[tuple[float, Frame]] = []
        if speech.by_llm:
            plan.append((0, LLMFullResponseStartFrame()))
        for lengths in () if speech.silent else speech.utterances:
            plan += self._utterance(lengths, speech.speed)
        if speech.by_llm:
            plan.append((0, LLMFullResponseEndFrame()))
        self._follow(plan)

    def say_text(self, text: str) -> None:
        """Somebody tells the bot what to say: it is no reply of the LLM's."""
        count = max(1, len(text.split()))
        self.say(Speech(utterances=((2,) * count,), by_llm=False))

    def stop(self) -> None:
        """An interruption passes: nothing more is made of it."""
        for alarm in self.making:
            alarm.cancel()
        self.making.clear()
        self.busy_until_ms = 0

    def _utterance(self, lengths: tuple[int, ...], speed: float) -> list[tuple[float, Frame]]:
        self.parts += 1
        started = TTSStartedFrame()
        started.metadata[PART] = self.parts
        plan: list[tuple[float, Frame]] = [(0, started)]
        at = 0
        for chunks in lengths:
            self.words += 1
            text = TTSTextFrame(f"w{self.words}", text_type="word")
            text.metadata[START_SAMPLE] = at
            plan.append((0, text))
            for _ in range(chunks):
                pcm = voice(self.parts, at, CHUNK_SAMPLES)
                plan.append((CHUNK_MS / speed, TTSAudioRawFrame(pcm, RATE_HZ, 1)))
                at += CHUNK_SAMPLES
        plan.append((0, TTSStoppedFrame()))
        return plan

    def _follow(self, plan: list[tuple[float, Frame]]) -> None:
        """Give each frame in its time, those of the same time one after another."""
        now_ms = self.clock.now_ms()
        if now_ms >= self.busy_until_ms:
            self.making.clear()
        delay_ms = max(0.0, self.busy_until_ms - now_ms)
        for pause_ms, frame in plan:
            delay_ms += pause_ms
            self.making.append(self.clock.call_later(delay_ms, self._giving(frame)))
        self.busy_until_ms = now_ms + delay_ms

    def _giving(self, frame: Frame) -> Callable[[], None]:
        return lambda: self.give(frame)
