"""Measures how soon each bot answers, all with the same services and the same caller.

    python -m bench.turn_taking --turns 45 --out results.jsonl
    python -m bench.turn_taking --rows stock ours --recordings /path/to/corpus

Each line of the results is one row with all its turns; docs/turn_taking.md says what is
compared, and how.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from loguru import logger

from bargein.measure.figures import percentile
from bench.turn_taking.conversation import run
from bench.turn_taking.material import recorded_turns, spoken_turns
from bench.turn_taking.rows import HEADLINE, ROWS
from bench.turn_taking.table import Measured, table


def main() -> None:
    """Measure row by row; each is written as soon as it is there."""
    arguments = _arguments()
    logger.remove()
    logger.add(sys.stderr, level=arguments.log, diagnose=False)
    turns = (
        recorded_turns(arguments.recordings, arguments.turns)
        if arguments.recordings
        else spoken_turns(arguments.turns)
    )
    material = arguments.recordings.name if arguments.recordings else "espeak"
    wanted = [row for row in ROWS if row.name in arguments.rows]
    print("\n".join(table([])), flush=True)
    for row in wanted:
        talked = asyncio.run(run(row, turns, arguments.callers))
        measured = Measured(
            row.name,
            material,
            round(percentile(talked.late_ms, 99), 1),
            tuple(talked.lines),
            talked.predictions,
            talked.confirmed,
            round(talked.saved_ms),
        )
        if arguments.out:
            with arguments.out.open("a") as file:
                file.write(json.dumps(asdict(measured)) + "\n")
        print(table([measured])[-1], flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=45)
    headline = [row.name for row in HEADLINE]
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", nargs="*", choices=names, default=headline)
    parser.add_argument("--callers", type=int, default=3, help="conversations side by side")
    parser.add_argument("--recordings", type=Path, help="a folder with a manifest.json")
    parser.add_argument("--out", type=Path, help="a file for lines of JSON, appended to")
    parser.add_argument("--log", default="ERROR", help="what Pipecat logs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
