"""What the audit costs: how long a line takes to the disk, and whether the event loop waits for it.

python -m bench.audit [--seconds 5] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bargein.errors import Place
from bargein.measure.figures import percentile
from bargein.processors.audit_file import AuditFile
from bargein.tools.audit import Event, Fact, Seal
from bargein.tools.audit_check import Raw, check

SESSIONS = (0, 1, 10, 100)
"""So many sessions append, each its next line as soon as the last one is on the disk."""
STEP_S = 0.01
FACT = Fact(
    Event.STARTED,
    session="5f2b7d9a01c4e883",
    identity="203.0.113.7",
    bot="cafe",
    tool="place_order",
    call_id="call_1",
    arguments={"item": "oat milk cappuccino", "cups": 2},
)


async def _lateness(seconds: float) -> list[float]:
    """How late a task of this loop is, every 10 ms, in ms."""
    late: list[float] = []
    end_s = time.monotonic() + seconds
    while (due_s := time.monotonic() + STEP_S) < end_s:
        await asyncio.sleep(STEP_S)
        late.append((time.monotonic() - due_s) * 1000)
    return late


async def _append(file: AuditFile, took: list[float], end_s: float) -> None:
    while (began_s := time.monotonic()) < end_s:
        await file.append(FACT)
        took.append((time.monotonic() - began_s) * 1000)


async def measure(folder: Path, sessions: int, seconds: float) -> str:
    """Give a row: appended lines, how long each took, and the loop's lateness meanwhile."""
    took: list[float] = []
    with AuditFile(folder / f"audit-{sessions}.jsonl") as file:
        end_s = time.monotonic() + seconds
        appending = [asyncio.create_task(_append(file, took, end_s)) for _ in range(sessions)]
        late = await _lateness(seconds)
        await asyncio.gather(*appending)
    told = [f"{percentile(took, share):.1f}" if took else "" for share in (50, 95)]
    loop = [f"{percentile(late, share):.1f}" for share in (50, 95)]
    cells = [str(sessions), f"{len(took) / seconds:.0f}", *told, *loop, f"{max(late):.1f}"]
    return f"| {' | '.join(cells)} |"


def verified_per_s(path: Path) -> float:
    """How many lines of a file are held against the chain in a second."""
    lines = [
        Raw(Place(str(path), number), line, True)
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
    ]
    began_s = time.perf_counter()
    assert check(lines, Seal()).broken is None
    return len(lines) / (time.perf_counter() - began_s)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, help="Where the file is; the disk is what counts.")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.folder) as made:
        folder = Path(made)
        print("| sessions | lines/s | append p50, ms | p95 | loop late p50, ms | p95 | max |")
        print("|---|---|---|---|---|---|---|")
        for sessions in SESSIONS:
            print(asyncio.run(measure(folder, sessions, asked.seconds)), flush=True)
        checked = verified_per_s(folder / f"audit-{SESSIONS[-1]}.jsonl")
        print(f"\nbargein audit checks {checked:.0f} lines/s.")


if __name__ == "__main__":
    main()
