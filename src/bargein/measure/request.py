"""What is asked of every system that is measured, and its answer; as JSON between processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bargein.measure.encounter import Encounter, SoundKind
from bargein.measure.figures import Figure


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording, 16 kHz, and what is known of it."""

    name: str
    kind: SoundKind
    text: str
    """What a recogniser should hear; empty for noises."""
    file: str
    """A WAV file of 16 bits; the sound begins with its first sample."""
    length_ms: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """A sound that begins so long after the bot began to speak."""

    sound: int
    at_ms: float
    lead_samples: int = 0
    """The sound begins so far into a chunk, at 16 kHz: a VAD's windows begin anywhere in it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A run: the bot speaks a passage, again and again, and each time a sound meets it."""

    config: str
    settings: tuple[str, ...]
    passage: str
    sounds: tuple[Sound, ...]
    meetings: tuple[Meeting, ...]
    jobs: int
    """Meetings at once."""
    answers: bool = True
    """Whether to wait until the bot answers what was said."""
    warm_up: bool = True
    """Whether a meeting comes first that does not count: much is loaded at first use."""

    def to_json(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Request:
        """Read it."""
        told = json.loads(text)
        sounds = [Sound(**each | {"kind": SoundKind(each["kind"])}) for each in told["sounds"]]
        meetings = [Meeting(**each) for each in told["meetings"]]
        lists = {"sounds": tuple(sounds), "meetings": tuple(meetings)}
        return Request(**told | lists | {"settings": tuple(told["settings"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer measured."""

    versions: Mapping[str, str]
    encounters: tuple[Encounter, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """Rows that do not come of encounters; and reasons for those that can't be measured."""
    notes: tuple[str, ...] = ()
    """How it was set, in a sentence each."""

    def to_json(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Answer:
        """Read it; raises ValueError, TypeError or KeyError for what is none."""
        told: dict[str, Any] = json.loads(text)
        encounters = [
            Encounter(**each | {"kind": SoundKind(each["kind"])}) for each in told["encounters"]
        ]
        figures = {
            key: Figure(tuple(each["values"]), each["reason"])
            for key, each in told["figures"].items()
        }
        return Answer(told["versions"], tuple(encounters), figures, tuple(told["notes"]))
