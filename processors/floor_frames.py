"""The frames by which the floor speaks to the rest of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import SystemFrame


@dataclass
class FloorTakenFrame(SystemFrame):
    """The user has the floor: a turn begins. Any InterruptionFrame came before it."""


@dataclass
class WordsDroppedFrame(SystemFrame):
    """A barge-in was rejected: what was recognised since it began is no turn."""


@dataclass
class SpeechWindowFrame(SystemFrame):
    """What a VAD made of one window of the microphone; pushed upstream as evidence.

    `speech_ms` is the run of speech so far, `silence_ms` the silence since.
    """

    probability: float = 0.0
    speech_ms: float = 0.0
    silence_ms: float = 0.0
