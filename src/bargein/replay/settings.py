"""Which settings a recorded barge-in can be decided again with, and how they are given.

The names are those of the YAML; the fields of the rules say what there is, so a new rule can
be replayed without another word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from bargein.config.overrides import override
from bargein.config.problems import InvalidConfigError, Problem
from bargein.config.tree import Table
from bargein.config.validate import validate
from bargein.errors import BargeinError, Place
from bargein.ledger.entries import BargeIn
from bargein.verdict import VerdictRules
from bargein.voice_activity import VoiceRules

WRITTEN = {"deadline_ms": "verdict_deadline_ms"}
"""Rules that have another name in the YAML."""
OF_THE_VAD = "min_speech_duration_ms"
"""Written at the VAD, and a rule of the verdict too."""
NOT_WRITTEN = frozenset({"hysteresis"})
ANY_PIPELINE = "pipeline."
BOUNDS: Mapping[str, tuple[float, float]] = {
    "quiet_ms": (64, 2000),
    "verdict_deadline_ms": (100, 2500),
    "min_words": (1, 20),
    "backchannel_ms": (0, 2000),
    "probability_threshold": (0.05, 0.99),
    "min_speech_duration_ms": (32, 2000),
    "pause_ms": (96, 2000),
}
"""Those of the YAML: what no bot can be run with is not replayed either."""


def _part(name: str, rules: type[Any], leave_out: frozenset[str], **more: Any) -> type[BaseModel]:
    """Describe what may be set of a part: each rule by its name in the YAML."""
    hints = get_type_hints(rules)
    names = {
        WRITTEN.get(each.name, each.name): each.name
        for each in fields(rules)
        if each.name not in leave_out
    }
    described: dict[str, Any] = {
        written: (hints[name], _bounded(written)) for written, name in names.items()
    }
    config = ConfigDict(strict=True, extra="forbid", frozen=True)
    return create_model(name, __config__=config, **described, **more)


def _bounded(written: str) -> Any:
    """A setting that may be left out, within its bounds."""
    least, most = BOUNDS.get(written, (None, None))
    return Field(default=None, ge=least, le=most)


Interruption = _part(
    "Interruption", VerdictRules, frozenset({OF_THE_VAD}), barge_in_enabled=(bool, None)
)
SileroVad = _part("SileroVad", VoiceRules, NOT_WRITTEN)


class Replayable(BaseModel):
    """All that may be set."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    interruption: Interruption = Field(default=None)  # type: ignore[valid-type]
    silero_vad: SileroVad = Field(default=None)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Changes:
    """What was set, by the names of the rules."""

    interruption: Mapping[str, Any]
    silero_vad: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one barge-in is decided by."""

    verdict: VerdictRules
    voice: VoiceRules
    barge_in_enabled: bool


NONE = Changes({}, {})


def read_changes(settings: Sequence[str]) -> Changes:
    """Read `--set` options like `interruption.min_words=2`; BargeinError names all mistakes."""
    found: list[Problem] = []
    place = Place("--set")
    table = Table({}, place)
    for setting in settings:
        table = override(table, setting.strip().removeprefix(ANY_PIPELINE), found)
    read = None if found else validate(Replayable, table, "", place, found)[0]
    if read is None:
        raise BargeinError(f"{InvalidConfigError(found)}\nWhat can be replayed: {known()}.")
    names = {written: name for name, written in WRITTEN.items()}
    given = read.model_dump(exclude_unset=True)
    return Changes(
        *(
            {names.get(key, key): value for key, value in given.get(part, {}).items()}
            for part in Replayable.model_fields
        )
    )


def known() -> str:
    """List what can be set."""
    return ", ".join(
        f"{part}.{name}"
        for part, model in (("interruption", Interruption), ("silero_vad", SileroVad))
        for name in model.model_fields
    )


def rules_of(entry: BargeIn, changes: Changes) -> Rules:
    """The rules that decided, with what was changed; one that is newer than the line is default."""
    interruption = dict(entry.settings.get("interruption", {}))
    enabled = bool(interruption.pop("barge_in_enabled", True))
    verdict = _rules(VerdictRules, interruption)
    voice = _rules(VoiceRules, entry.settings.get("silero_vad", {}))
    changed = dict(changes.interruption)
    enabled = changed.pop("barge_in_enabled", enabled)
    if OF_THE_VAD in changes.silero_vad:
        changed[OF_THE_VAD] = changes.silero_vad[OF_THE_VAD]
    return Rules(replace(verdict, **changed), replace(voice, **changes.silero_vad), enabled)


def _rules(kind: type[Any], recorded: Mapping[str, Any]) -> Any:
    names = {each.name for each in fields(kind)}
    given = {name: value for name, value in recorded.items() if name in names}
    return TypeAdapter(kind).validate_python(given)
