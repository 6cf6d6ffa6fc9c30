"""Frames about transcripts that pipecat has no word for."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import DataFrame


@dataclass
class NoWordsFrame(DataFrame):
    """The recogniser has finished this speech and found no words in it.

    It stands where a final `TranscriptionFrame` would, so that nobody need wait for one.
    """
