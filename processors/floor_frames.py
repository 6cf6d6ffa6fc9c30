"""The frames by which the floor speaks to the rest of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import SystemFrame

from bargein.noise import SILENCE_DB, Hearing

SILENCE_MS = "bargein_silence_ms"
"""Where a frame of the microphone's audio tells, in its metadata, the silence behind the speech.

0 while there is or may be speech; absent when nobody spoke lately, or without a VAD of ours.
"""


@dataclass
class FloorTakenFrame(SystemFrame):
    """The user has the floor: a turn begins. Any InterruptionFrame came before it."""


@dataclass
class ClientLostFrame(SystemFrame):
    """The client's connection is lost, and may be made again: what came before it is here."""


@dataclass
class WordsDroppedFrame(SystemFrame):
    """A barge-in was rejected: what was recognised since it began is no turn."""


@dataclass
class SpeechWindowFrame(SystemFrame):
    """What a VAD made of one window of the microphone; pushed upstream as evidence.

    `speech_ms` is the run of speech so far, `silence_ms` the silence since; `threshold` is
    what `probability` had to reach in this very window, 1 where `level_db` was below the gate
    or the window was the bot's own voice. `pause_ms` is the silence behind the last sound of
    speech, 0 while there is any, None when nobody spoke lately.
    """

    probability: float = 0.0
    speech_ms: float = 0.0
    silence_ms: float = 0.0
    level_db: float = SILENCE_DB
    threshold: float = 0.0
    is_echo: bool = False
    echo_correlation: float = 0.0
    pause_ms: float | None = None


@dataclass
class HearingFrame(SystemFrame):
    """The VAD goes by another threshold; pushed upstream, for the client's VAD to follow."""

    hearing: Hearing
