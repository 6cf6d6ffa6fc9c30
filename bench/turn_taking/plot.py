"""Draws the share of turns that are answered within a time, as SVG. Pure.

python -m bench.turn_taking.plot results.jsonl docs/turn_taking.svg
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.turn_taking.table import Measured, named, read

PANELS = (
    ("espeak", "", "no network"),
    ("espeak", "-bad", "50 ms each way, 30 ms jitter, 2 % loss"),
)
BOTS = ("sequential", "stock", "tuned", "eager", "ours", "speculating")
LABELS = {
    "sequential": "strictly sequential",
    "stock": "stock Pipecat",
    "tuned": "stock Pipecat, tuned",
    "eager": "stock Pipecat, Flux eager",
    "ours": "bargein",
    "speculating": "bargein, speculating",
}
MOST_MS = 4_500
EVERY_MS = 500
AIM_MS = 300
WIDTH, HEIGHT = 860, 350
IN_A_ROW, LEGEND_WIDTH = 3, 230
PANEL_WIDTH, PANEL_HEIGHT = 370, 220
LEFT, TOP, GAP = 52, 44, 56
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #3b3b3b }
  .title { font-weight: 600; fill: #111 }
  .grid { stroke: #8884; stroke-width: 1 }
  .aim { stroke: #888; stroke-width: 1; stroke-dasharray: 3 3 }
  .curve { fill: none; stroke-width: 2.2; stroke-linejoin: round }
  .sequential { stroke: #9a6a00 } .stock { stroke: #b03a2e } .tuned { stroke: #7d3fae }
  .ours { stroke: #1f6fb2 } .speculating { stroke: #12813a; stroke-width: 3.2 }
  .stock { stroke-dasharray: 7 3 } .tuned { stroke-dasharray: 2 3 }
  .eager { stroke: #c2185b; stroke-dasharray: 5 2 }
  .sequential { stroke-dasharray: 10 3 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #c9c9c9 } .title { fill: #f4f4f4 }
    .sequential { stroke: #e0b04a } .stock { stroke: #ff8a7a } .tuned { stroke: #cf9bff }
    .eager { stroke: #ff86b3 }
    .ours { stroke: #7cc0ff } .speculating { stroke: #5fdc8a }
  }
"""


def drawn(measured: Sequence[Measured]) -> str:
    """The whole picture."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"',
        ' aria-labelledby="title"><title id="title">Share of turns answered within a time</title>',
        f"<style>{STYLE}</style>",
    ]
    for number, (material, suffix, title) in enumerate(PANELS):
        rows = named(measured, material, [bot + suffix for bot in BOTS])
        left = LEFT + number * (PANEL_WIDTH + GAP)
        parts += [f'<g transform="translate({left} {TOP})">', *_panel(title), *map(_curve, rows)]
        parts.append("</g>")
    return "\n".join([*parts, *_legend(), "</svg>\n"])


def _panel(title: str) -> list[str]:
    lines = [f'<text class="title" y="-14">{title}</text>']
    for percent in range(0, 101, 25):
        y = _y(percent / 100)
        lines.append(f'<line class="grid" x2="{PANEL_WIDTH}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="-8" y="{y + 4}" text-anchor="end">{percent} %</text>')
    for ms in range(0, MOST_MS + 1, EVERY_MS):
        lines.append(f'<line class="grid" y2="{PANEL_HEIGHT}" x1="{_x(ms)}" x2="{_x(ms)}"/>')
        if ms % (2 * EVERY_MS) == 0:
            label = f'<text x="{_x(ms)}" y="{PANEL_HEIGHT + 18}" text-anchor="middle">'
            lines.append(f"{label}{ms / 1000:g} s</text>")
    aim = _x(AIM_MS)
    lines.append(f'<line class="aim" y1="-6" y2="{PANEL_HEIGHT}" x1="{aim}" x2="{aim}"/>')
    return lines


def _curve(row: Measured) -> str:
    """Steps up at each answer; turns without one keep it below 100 %."""
    points, share = [f"0,{_y(0)}"], 0.0
    for number, latency_ms in enumerate(sorted(row.latencies_ms), start=1):
        x = _x(min(latency_ms, MOST_MS))
        points.append(f"{x},{_y(share)}")
        share = number / len(row.lines)
        points.append(f"{x},{_y(share)}")
    points.append(f"{PANEL_WIDTH},{_y(share)}")
    return f'<polyline class="curve {row.row.removesuffix("-bad")}" points="{" ".join(points)}"/>'


def _legend() -> list[str]:
    lines = []
    for number, bot in enumerate(BOTS):
        x, y = LEFT + number % IN_A_ROW * LEGEND_WIDTH, HEIGHT - 40 + number // IN_A_ROW * 20
        lines.append(f'<line class="curve {bot}" x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="{x + 32}" y="{y + 4}">{LABELS[bot]}</text>')
    return lines


def _x(ms: float) -> float:
    return round(ms / MOST_MS * PANEL_WIDTH, 1)


def _y(share: float) -> float:
    return round((1 - share) * PANEL_HEIGHT, 1)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(drawn(read(Path(sys.argv[1]))))
