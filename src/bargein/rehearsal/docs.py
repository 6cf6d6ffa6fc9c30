"""The page about a scenario's keys, printed from its models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from bargein.rehearsal.cues import CUES, WITH_TEXT
from bargein.rehearsal.moments import What
from bargein.rehearsal.report import SAYS
from bargein.rehearsal.scenario import (
    Act,
    BackgroundNoise,
    ClientPlan,
    Echo,
    Ending,
    NetworkPlan,
    Outage,
    Scenario,
)
from bargein.rehearsal.wanted import (
    ContextMessage,
    DroppedEvent,
    ErrorEvent,
    Event,
    Expected,
    StateEvent,
    TranscriptEvent,
    UtteranceText,
    VerdictEvent,
)

HEAD = """\
# The keys of a scenario

<!-- Printed from the models: `bargein docs docs`. -->

How to use one: [rehearsal.md](rehearsal.md). For editors, `bargein schema --scenario` prints the
JSON Schema. Times are milliseconds; those of the timeline count since the client connected.
"""
CUES_ARE = "What an act may come `after`: {}."
EXPECTED_IS = """\
A list; each item has one of these keys. An event without bounds may be written as its name alone:
`- muted`. The n-th expectation about a kind of event is about the next such event behind the one
that the expectation before it has taken.
"""
WHAT_COUNTS = """\
What `after`, `count` and `at_most` may name, and how it reads on the timeline.

| name | on the timeline |
|---|---|"""
SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", Scenario),
    ("network", NetworkPlan),
    ("network.disconnect[]", Outage),
    ("client", ClientPlan),
    ("client.echo", Echo),
    ("client.noise", BackgroundNoise),
    ("user[]", Act),
    ("expect[]", Expected),
    ("Bounds of an event", Event),
    ("ends", Ending),
)
KINDS: dict[type[BaseModel], str] = {
    Event: "event",
    VerdictEvent: "event, and `reason`",
    DroppedEvent: "event, and `reason`",
    ErrorEvent: "event, and `code`",
    StateEvent: "event, and `state`",
    TranscriptEvent: "event, and a text",
    UtteranceText: "`utterance` and a text",
    ContextMessage: "`role` and a text",
}
TEXT_IS = """\
A text is any of `text` (the whole), `begins`, `ends` and `contains`. Case does not count, nor does
how much space stands between words."""


def scenario_markdown() -> str:
    """Give docs/scenario.md."""
    lines = [HEAD]
    for title, model in SECTIONS:
        lines += [f"## {title}", "", *_intro(model), *_table(model), ""]
        if model is Act:
            cues = ", ".join(_cue(what) for what in CUES)
            lines += [CUES_ARE.format(cues), ""]
        if model is Event:
            lines += [TEXT_IS, "", WHAT_COUNTS, *_moments(), ""]
    return "\n".join(lines).rstrip() + "\n"


def _intro(model: type[BaseModel]) -> list[str]:
    return [EXPECTED_IS] if model is Expected else []


def _cue(what: What) -> str:
    return f'`{what}("{WITH_TEXT[what]}")`' if what in WITH_TEXT else f"`{what}`"


def _moments() -> Iterator[str]:
    for what in What:
        says = SAYS[what].replace("{", "*").replace("}", "*")
        yield f"| `{what}` | {says} |"


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| key | | |"
    yield "|---|---|---|"
    for name, field in model.model_fields.items():
        about = (field.description or "").replace("|", "\\|")
        yield f"| `{field.alias or name}` | {_default(model, field)} | {about} |"


def _default(model: type[BaseModel], field: Any) -> str:
    """What a key is where it is left out; for an expectation, what it holds."""
    if model is Expected:
        annotation = str(field.annotation)
        kinds = [said for kind, said in KINDS.items() if f".{kind.__name__} " in annotation]
        return kinds[0] if kinds else ("counts" if "dict" in annotation else "number")
    if field.is_required():
        return "required"
    value = field.default
    if value in (None, "", ()) or isinstance(value, BaseModel):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"
