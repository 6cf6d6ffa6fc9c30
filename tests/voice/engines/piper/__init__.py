"""Plays the package of this name: a voice that says each letter for 10 ms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LETTER_SAMPLES = 220


@dataclass
class Config:
    sample_rate: int = 22_050


@dataclass
class Chunk:
    audio_int16_bytes: bytes


class PiperVoice:
    config = Config()

    @classmethod
    def load(cls, path: Path, **_: Any) -> PiperVoice:
        assert path.exists()
        return cls()

    def synthesize(self, text: str) -> Iterator[Chunk]:
        yield Chunk(b"\x00\x10" * (LETTER_SAMPLES * len(text)))
