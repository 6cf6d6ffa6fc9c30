"""Prints the floor from its table: a diagram to see it, and every pair to look it up."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum

from bargein import floor
from bargein.floor import RULES, Do, Floor, Heard

INTRODUCTION = """\
# The floor

<!-- Printed from src/bargein/floor.py by `bargein docs docs`. -->

Who may speak is one table: for every state and everything that can be heard it names the next
state and what to do on the way. `src/bargein/arbiter.py` walks it, and nothing else changes the
floor. A test holds that no pair is missing.
"""


def floor_markdown() -> str:
    """Give `docs/floor.md`."""
    return "\n".join(
        [
            INTRODUCTION,
            "```mermaid",
            *_diagram(),
            "```",
            "",
            "What keeps the state is left out of the diagram; it stands in the table.",
            "",
            *_glossary("States", Floor),
            *_glossary("What is heard", Heard),
            *_glossary("What is done", Do),
            "## The table",
            "",
            "Each cell is the next state and, in brackets, what is done; a dot keeps the state.",
            "",
            *_table(),
            "",
        ]
    )


def _diagram() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {Floor.IDLE}"
    arrows: dict[tuple[Floor, Floor], list[str]] = {}
    for (before, heard), rule in RULES.items():
        if rule.next is not before:
            label = f"{heard} / {', '.join(rule.do)}" if rule.do else str(heard)
            arrows.setdefault((before, rule.next), []).append(label)
    for (before, after), labels in arrows.items():
        yield f"    {before} --> {after}: {'<br/>'.join(labels)}"


def _table() -> Iterator[str]:
    yield "| heard | " + " | ".join(Floor) + " |"
    yield "|---" * (len(Floor) + 1) + "|"
    for heard in Heard:
        yield f"| `{heard}` | " + " | ".join(_cell(state, heard) for state in Floor) + " |"


def _cell(state: Floor, heard: Heard) -> str:
    rule = RULES[state, heard]
    after = "·" if rule.next is state else f"**{rule.next}**"
    return f"{after} ({', '.join(rule.do)})" if rule.do else after


def _glossary(title: str, words: type[StrEnum]) -> Iterator[str]:
    meanings = _meanings(words)
    yield f"## {title}"
    yield ""
    for word in words:
        yield f"- `{word}`: {meanings[word.name]}"
    yield ""


def _meanings(words: type[StrEnum]) -> dict[str, str]:
    """Read what stands under each member of an enum."""
    source = inspect.getsource(floor)
    body = source[source.index(f"class {words.__name__}(") :]
    found = re.findall(r'^    ([A-Z_]+) = "[^"]*"\n    """(.*?)"""', body, re.MULTILINE | re.DOTALL)
    meanings: dict[str, str] = {}
    for name, meaning in found:
        meanings.setdefault(name, " ".join(meaning.split()))
    return meanings
