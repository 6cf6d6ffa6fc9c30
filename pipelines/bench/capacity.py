"""How many sessions of a configuration a core holds: `bench/load.py`, with its pipeline."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bargein.measure.figures import Figure
from bargein.pipelines.bench.peers import environment
from bargein.pipelines.bench.progress import Note
from bargein.pipelines.load import Config
from bargein.pipelines.part import Part

OWN = "bargein."
BUSY_SHARE, MOST_BUSY_SHARE = 0.1, 0.5
"""Of the time others had the core: it is told; then there is nothing to tell but that."""
CONFIG_VARIABLE, SETTINGS_VARIABLE = "BARGEIN_LOAD_CONFIG", "BARGEIN_LOAD_SETTINGS"
WORKERS = "time of the bots' process; what parts start beside it (a recogniser) is not counted"


@dataclass(frozen=True, slots=True)
class Climb:
    """From how many sessions, in which steps, to how many; each so long."""

    first: int
    step: int
    most: int
    seconds: float


USUAL = Climb(first=5, step=5, most=60, seconds=10.0)
QUICK = Climb(first=4, step=4, most=4, seconds=10.0)
LIMIT_S = 240.0


def costs_money(config: Config) -> str:
    """Name a part that is not of this machine, or nothing: many sessions of it may be charged."""
    parts = [each for part in config.parts for each in part.single]
    foreign = [part.use for part in parts if not _is_local(part)]
    return foreign[0] if foreign else ""


def _is_local(part: Part) -> bool:
    """Whether its work is done on this machine, by all that is known."""
    elsewhere = hasattr(part.cls, "vendor") or getattr(part.cls, "is_remote", False)
    return part.cls.__module__.startswith(OWN) and not elsewhere


async def capacity(
    config: Path, settings: tuple[str, ...], folder: Path, climb: Climb, note: Note
) -> Mapping[str, Figure]:
    """Give `sessions_per_core` and `cpu_ms_per_audio_s`; without `bench` in the folder a reason."""
    if not _script(folder).is_file():
        return _both(Figure(reason="bench/load.py of the source tree is not here; see --peers"))
    if len(os.sched_getaffinity(0)) < 2:
        return _both(Figure(reason="this machine has one core, and the callers need another"))
    with TemporaryDirectory() as scratch:
        output = Path(scratch) / "load.json"
        status, said = await _climb(config, settings, folder, climb, output, note)
        if status:
            return _both(Figure(reason=f"bench/load.py failed: {said}"))
        (measured,) = _read(output)
    return figures(measured)


def figures(measured: Mapping[str, Any]) -> Mapping[str, Figure]:
    """Give both rows of a climb as `bench/load.py` writes it."""
    stages = measured["stages"]
    kept = [stage for stage in stages if stage["ack_p99_ms"] <= LIMIT_MS]
    busy_share = max(stage["waited_share"] for stage in stages)
    note = f"of {sum(stage['acks'] for stage in stages)} acknowledgements"
    if kept and kept[-1] is stages[-1]:
        note += "; or more, no more were tried"
    if busy_share > BUSY_SHARE:
        note += f"; others had the core for {busy_share:.0%} of the time"
    held = Figure((measured["bots_per_core"],), note)
    if not any(stage["acks"] for stage in stages):
        held = Figure(reason="no bot was interrupted in the time")
    elif busy_share > MOST_BUSY_SHARE:
        held = Figure(reason=f"others had the core for {busy_share:.0%} of the time")
    cost_ms = (kept or stages)[-1]["cpu_ms_per_audio_s"]
    return {"sessions_per_core": held, "cpu_ms_per_audio_s": Figure((cost_ms,), WORKERS)}


LIMIT_MS = 50.0
"""The row's own limit: p99 of detect_to_ack_ms."""


async def _climb(
    config: Path,
    settings: tuple[str, ...],
    folder: Path,
    climb: Climb,
    output: Path,
    note: Note,
) -> tuple[int, str]:
    told = {CONFIG_VARIABLE: _absolute(config), SETTINGS_VARIABLE: json.dumps(settings)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load", "--kinds", "bargein", "--clock", "real"),
        *("--first", str(climb.first), "--step", str(climb.step), "--most", str(climb.most)),
        *("--seconds", str(climb.seconds), "--json", str(output)),
        cwd=_absolute(folder.parent.parent),
        env=environment(folder) | told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout
    last = "it said nothing"
    try:
        async with asyncio.timeout(LIMIT_S):
            async for line in process.stdout:
                last = line.decode(errors="replace").strip() or last
                note(f"load: {last}")
            return await process.wait(), last
    except TimeoutError:
        return 1, f"not done within {LIMIT_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _script(folder: Path) -> Path:
    return folder.resolve().parent.parent / "bench" / "load.py"


def _absolute(path: Path) -> str:
    return str(path.resolve())


def _read(output: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(output.read_text(encoding="utf-8"))
    return told


def _both(figure: Figure) -> dict[str, Figure]:
    return {"sessions_per_core": figure, "cpu_ms_per_audio_s": figure}
