"""Plays the package of this name: a model that hears as many words as there are loud seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOUD = 0.05
RATE_HZ = 16_000
made: list[str] = []
"""The models that were loaded."""


@dataclass
class Segment:
    text: str
    no_speech_prob: float = 0.1


class WhisperModel:
    supported_languages = ("en",)

    def __init__(self, name: str, *, device: str, compute_type: str) -> None:
        if name == "missing":
            raise OSError("no such model on the hub.\nmore")
        made.append(name)

    def transcribe(self, audio: NDArray[np.float32], **_: Any) -> tuple[list[Segment], None]:
        seconds = round(float((np.abs(audio) > LOUD).sum()) / RATE_HZ)
        return ([Segment(" ".join(["word"] * seconds))] if seconds else []), None
