"""Runs the peers, each in a process of its own: what one imports or breaks harms nobody else."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bargein.measure.request import Answer, Request
from bargein.measure.results import figures_of, rates_by_sound
from bargein.measure.table import Result
from bargein.pipelines.bench.progress import Note

PREFIX = "run_"
NOT_INSTALLED = 3
"""Exit status of a peer whose package is not there; its last line says how to get it."""
STOP_S = 5.0


def scripts(folder: Path) -> list[Path]:
    """Give the peers of a folder: every file `run_NAME.py`."""
    return sorted(folder.glob(f"{PREFIX}*.py"))


async def run_peer(script: Path, request: Request, within_s: float, note: Note) -> Result:
    """Let one peer answer; a failure is told in the result, never raised."""
    name = script.stem.removeprefix(PREFIX)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(script.parent),
        limit=2**24,
    )
    try:
        async with asyncio.timeout(within_s):
            return await _answer(name, process, request, note)
    except TimeoutError:
        return Result(name, {}, failure=f"gave no answer within {within_s:.0f} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def environment(folder: Path) -> dict[str, str]:
    """The scripts may import the package that their folder belongs to, such as `bench.peers`."""
    root = str(folder.resolve().parent.parent)
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, known] if known else [root])}


async def _answer(
    name: str, process: asyncio.subprocess.Process, request: Request, note: Note
) -> Result:
    assert process.stdin
    assert process.stdout
    process.stdin.write(request.to_json().encode())
    process.stdin.close()
    reading = asyncio.create_task(process.stdout.read())
    last = await _follow(name, process, note)
    output = await reading
    status = await process.wait()
    if status == NOT_INSTALLED:
        return Result(name, {}, failure=last)
    if status:
        return Result(name, {}, failure=f"failed with status {status}: {last}")
    try:
        answer = Answer.from_json(output.decode())
    except (ValueError, TypeError, KeyError) as error:
        return Result(name, {}, failure=f"gave no answer that can be read: {error}")
    return Result(
        name,
        dict(figures_of(answer.encounters)) | dict(answer.figures),
        answer.versions,
        answer.notes,
        rates_by_sound(answer.encounters),
    )


async def _follow(name: str, process: asyncio.subprocess.Process, note: Note) -> str:
    """Pass on progress, and give the last line."""
    assert process.stderr
    last = "it said nothing"
    async for line in process.stderr:
        said = line.decode(errors="replace").strip()
        if said:
            last = said
        done, slash, of = said.partition("/")
        if slash and done.isdecimal() and of.isdecimal():
            note(f"{name} {said}")
    return last
