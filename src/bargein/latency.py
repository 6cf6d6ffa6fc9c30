"""What the time from the end of the user's speech to the first sound of the answer was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

STEP_MS = 0.125
"""Times count in eighths of a millisecond: their sums and differences have no rounding error."""


class Stage(StrEnum):
    """What must have happened before the answer is heard, each in turn after the one before."""

    FINAL_TRANSCRIPT = "final_transcript"
    """The recogniser's last words."""
    ENDPOINT = "endpoint"
    """The turn was called complete."""
    FIRST_TOKEN = "first_token"
    """The LLM's first text."""
    FIRST_CLAUSE = "first_clause"
    """The TTS was given the first words that can stand alone."""
    FIRST_TTS_AUDIO = "first_tts_audio"
    """The TTS's first byte."""
    FIRST_AUDIO_SENT = "first_audio_sent"
    """The first packet of it went to the client."""
    PLAYOUT_BEGAN = "playout_began"
    """The client played its first sample, which may be silence."""
    FIRST_AUDIO_HEARD = "first_audio_heard"
    """The first sample that can be heard was played."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The stages that are known, in their order, and what each added; all are 0 or more."""

    added_ms: Mapping[Stage, float]

    @property
    def total_ms(self) -> float:
        """The whole; exact, as all parts are multiples of `STEP_MS`."""
        return sum(self.added_ms.values())


def latency(speech_ended_ms: float, reached_ms: Mapping[Stage, float]) -> Latency | None:
    """Say what each stage added to the way from the end of speech to the first audio heard.

    A reply may be begun before the user has ended, so a stage may be reached before the one
    it would else wait for: each adds by how much it moves on the latest time so far. What a
    stage that is not known took is counted for the next one that is. None if nothing was heard.
    """
    if Stage.FIRST_AUDIO_HEARD not in reached_ms:
        return None
    heard_ms = stepped(reached_ms[Stage.FIRST_AUDIO_HEARD])
    latest_ms = stepped(speech_ended_ms)
    added_ms: dict[Stage, float] = {}
    for stage in Stage:
        if stage in reached_ms:
            at_ms = min(stepped(reached_ms[stage]), heard_ms)
            waited_for = stage is not Stage.FINAL_TRANSCRIPT or not _overtaken(reached_ms)
            added_ms[stage] = max(0.0, at_ms - latest_ms) if waited_for else 0.0
            latest_ms += added_ms[stage]
    return Latency(added_ms)


def stepped(time_ms: float) -> float:
    """Give the nearest time in whole steps."""
    return round(time_ms / STEP_MS) * STEP_MS


def _overtaken(reached_ms: Mapping[Stage, float]) -> bool:
    """Whether the turn was called complete before its last words came: nobody waited for them."""
    endpoint_ms = reached_ms.get(Stage.ENDPOINT)
    return endpoint_ms is not None and endpoint_ms < reached_ms[Stage.FINAL_TRANSCRIPT]
