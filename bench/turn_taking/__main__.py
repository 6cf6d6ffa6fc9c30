"""Measures how soon each bot answers, all with the same services and the same caller.

    python -m bench.turn_taking --turns 45 --out results.jsonl
    python -m bench.turn_taking --rows stock ours --recordings /path/to/corpus

Each line of the results is one turn; docs/turn_taking.md says what is compared, and how.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from loguru import logger

from bargein.measure.figures import percentile
from bench.turn_taking.conversation import run
from bench.turn_taking.material import recorded_turns, spoken_turns
from bench.turn_taking.rows import ROWS
from bench.turn_taking.turns import Line


def main() -> None:
    """Measure row by row; each is written as soon as it is there."""
    arguments = _arguments()
    logger.remove()
    logger.add(sys.stderr, level=arguments.log)
    turns = (
        recorded_turns(arguments.recordings, arguments.turns)
        if arguments.recordings
        else spoken_turns(arguments.turns)
    )
    material = arguments.recordings.name if arguments.recordings else "espeak"
    wanted = [row for row in ROWS if row.name in (arguments.rows or [r.name for r in ROWS])]
    for row in wanted:
        measured, late_ms = asyncio.run(run(row, turns, arguments.callers))
        if arguments.out:
            with arguments.out.open("a") as file:
                for line in measured:
                    file.write(json.dumps({"material": material, **asdict(line)}) + "\n")
        print(f"{row.name:20} {_summary(measured)}  machine late p99 {late_ms:.0f} ms", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=45)
    parser.add_argument("--rows", nargs="*", choices=[row.name for row in ROWS])
    parser.add_argument("--callers", type=int, default=3, help="conversations side by side")
    parser.add_argument("--recordings", type=Path, help="a folder with a manifest.json")
    parser.add_argument("--out", type=Path, help="a file for lines of JSON, appended to")
    parser.add_argument("--log", default="ERROR", help="what Pipecat logs")
    return parser.parse_args()


def _summary(lines: Sequence[Line]) -> str:
    known = [line.latency_ms for line in lines if line.latency_ms is not None]
    if not known:
        return "no answer at all"
    return (
        f"{len(known)}/{len(lines)} answered  p50 {percentile(known, 50):5.0f}"
        f"  p95 {percentile(known, 95):5.0f}  cut-ins {sum(line.cut_in for line in lines)}"
        f"  wrong {sum(line.wrong_replies for line in lines)}"
        f"  requests {sum(line.requests for line in lines) / len(lines):.2f}"
        f"  tokens {sum(line.output_tokens for line in lines) / len(lines):.0f}"
        f"  chars {sum(line.tts_chars for line in lines) / len(lines):.0f}"
    )


if __name__ == "__main__":
    main()
