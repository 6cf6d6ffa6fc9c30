"""A pipeline as a drawing: Mermaid text, or an SVG that needs nothing else.

Both are made from a list of stages, top to bottom as in the YAML. The stages that bargein adds by
itself are drawn with a dashed border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

# All of the drawing is in pixels of the SVG's own coordinates.
BOX_WIDTH = 300
BOX_HEIGHT = 52
GAP = 26
MARGIN = 24
HEADER = 44

_STYLE = """\
  .sheet { fill: #ffffff; } .heading { fill: #1c2430; font: 600 18px system-ui, sans-serif; }
  .box { fill: #f2f5f9; stroke: #5b6b80; stroke-width: 1.5; }
  .added { fill: #ffffff; stroke-dasharray: 5 4; }
  .edge { fill: #e6f0ff; stroke: #2b5fb3; }
  .name { fill: #1c2430; font: 600 15px system-ui, sans-serif; text-anchor: middle; }
  .note { fill: #4a5769; font: 12px system-ui, sans-serif; text-anchor: middle; }
  .arrow { stroke: #5b6b80; stroke-width: 1.5; fill: none; marker-end: url(#tip); }
  .tip { fill: #5b6b80; }
  @media (prefers-color-scheme: dark) {
    .sheet { fill: #14181f; } .heading, .name { fill: #eef2f7; } .note { fill: #aab6c5; }
    .box { fill: #222934; stroke: #8594a8; } .added { fill: #14181f; }
    .edge { fill: #1b2a44; stroke: #7ea9ee; } .arrow { stroke: #8594a8; } .tip { fill: #8594a8; }
  }"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One box of the drawing."""

    name: str
    note: str
    kind: str = "part"
    """`part` stands in the YAML, `added` is put in by bargein, `edge` is the transport's."""


_NOTES = {
    "interruption": "decides who has the floor",
    "vad": "sees speech begin and end",
    "stt": "turns speech into words",
    "speculation": "prepares the reply early",
    "llm": "finds an answer",
    "clauses": "hands it over in clauses",
    "tts": "speaks it",
    "played_audio": "knows to the sample what was played",
    "processor": "your own",
}


def stages(transport: str, parts: Iterable[tuple[str, str]]) -> list[Stage]:
    """List what audio flows through; `parts` are pairs of a part's name and its role."""
    flow = [Stage(f"{transport} input", "microphone and control messages", "edge")]
    for name, role in parts:
        if role == "llm":
            flow.append(Stage("user context", "the user's words, once the turn is over", "added"))
        # Of `package.module:Class` the class is what one looks for.
        flow.append(Stage(name.rpartition(":")[2], _NOTES.get(role, role)))
    flow.append(Stage(f"{transport} output", "what the listener hears", "edge"))
    flow.append(Stage("assistant context", "the words that were played", "added"))
    return flow


def to_mermaid(title: str, flow: Sequence[Stage]) -> str:
    """Write a Mermaid flowchart; it ends with a newline."""
    lines = ["---", f"title: {_mermaid_text(title)}", "---", "flowchart TB"]
    for index, stage in enumerate(flow):
        left, right = ("([", "])") if stage.kind == "edge" else ("[", "]")
        text = f"{_mermaid_text(stage.name)}<br><small>{_mermaid_text(stage.note)}</small>"
        lines.append(f'    s{index}{left}"{text}"{right}')
    lines.append("    " + " --> ".join(f"s{index}" for index in range(len(flow))))
    added = ",".join(f"s{index}" for index, stage in enumerate(flow) if stage.kind == "added")
    if added:
        lines += ["    classDef added stroke-dasharray: 5 4", f"    class {added} added"]
    return "\n".join(lines) + "\n"


def to_svg(title: str, flow: Sequence[Stage]) -> str:
    """Draw the stages from top to bottom; the drawing has a title and a description to read out."""
    width = BOX_WIDTH + 2 * MARGIN
    height = HEADER + len(flow) * (BOX_HEIGHT + GAP) - GAP + 2 * MARGIN
    order = ", then ".join(stage.name for stage in flow)
    boxes = "\n".join(_box(index, stage) for index, stage in enumerate(flow))
    arrows = "\n".join(_arrow(index) for index in range(len(flow) - 1))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title desc">
<title id="title">The pipeline {escape(title)}</title>
<desc id="desc">Audio flows from {escape(order)}.</desc>
<style>
{_STYLE}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" \
orient="auto"><path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>
<rect class="sheet" width="{width}" height="{height}"/>
<text class="heading" x="{MARGIN}" y="{MARGIN + 18}">{escape(_short(title, 32))}</text>
{boxes}
{arrows}
</svg>
"""


def _top(index: int) -> int:
    return MARGIN + HEADER + index * (BOX_HEIGHT + GAP)


def _box(index: int, stage: Stage) -> str:
    top, middle = _top(index), MARGIN + BOX_WIDTH // 2
    look = "box" if stage.kind == "part" else f"box {stage.kind}"
    radius = BOX_HEIGHT // 2 if stage.kind == "edge" else 8
    return (
        f'<rect class="{look}" x="{MARGIN}" y="{top}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="{radius}"/>\n'
        f'<text class="name" x="{middle}" y="{top + 23}">{escape(_short(stage.name, 30))}</text>\n'
        f'<text class="note" x="{middle}" y="{top + 40}">{escape(_short(stage.note, 46))}</text>'
    )


def _arrow(index: int) -> str:
    middle, top = MARGIN + BOX_WIDTH // 2, _top(index) + BOX_HEIGHT
    return f'<path class="arrow" d="M{middle} {top} V{top + GAP - 1}"/>'


def _short(text: str, most: int) -> str:
    """Cut text that would leave its box."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def _mermaid_text(text: str) -> str:
    """Write text so that Mermaid reads none of it as its own syntax."""
    special = '"#<>[](){}|;`&'
    return "".join(f"#{ord(letter)};" if letter in special else letter for letter in text)
