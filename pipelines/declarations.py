"""What decorated functions say of themselves: asked in the sandbox, as if they were called."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from bargein.errors import PartError
from bargein.pipelines.handlers import Found, package_of, root_of
from bargein.processors.sandbox.ground import grounds
from bargein.processors.sandbox.line import WorkerError
from bargein.processors.sandbox.outcome import Failure
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.prepared import Prepared
from bargein.processors.sandbox.said import loggable
from bargein.processors.sandbox.setup import Limits
from bargein.tools.describing import describe
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions, PythonHandler

ASK_MS = 15_000
"""Importing what a handler imports may take its time; what takes longer is a mistake."""
DESCRIBE = PythonHandler(describe.__module__, describe.__name__)


@dataclass(frozen=True, slots=True)
class Declared:
    """A function's declaration: the keys as in YAML, or what keeps it from having one."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


Declarations = dict[tuple[str, str], Declared]
"""By the source and the name of a function."""


def declared_functions(functions: Sequence[Found]) -> Declarations:
    """Ask for the declarations, one process for each source; it may be called in an event loop."""
    if not functions:
        return {}
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, _ask_all(functions)).result()


async def _ask_all(functions: Sequence[Found]) -> Declarations:
    declared: Declarations = {}
    by_source = sorted(functions, key=lambda found: found.handler.source)
    for source, group in groupby(by_source, key=lambda found: found.handler.source):
        found = list(group)
        names = sorted({each.handler.function for each in found})
        answer = await _asked(source, found[0], names)
        declared |= {(source, name): _declared(answer, name) for name in names}
    return declared


async def _asked(source: str, found: Found, names: list[str]) -> Json:
    """Give the answer of a process that imports the source, or a text that says why it has none."""
    permissions = Permissions(read=(package_of(found),))
    folder = [] if found.handler.is_file else [str(root_of(found))]
    arguments = {"source": source, "functions": names, "folders": folder}
    try:
        worker = await _started(Job(DESCRIBE, Limits(timeout_ms=ASK_MS), permissions))
    except PartError as error:
        return f"it can't be asked for its declaration: {error}"
    try:
        return await worker.call(arguments)
    except WorkerError as error:
        if error.code is Failure.TIMED_OUT:
            return f"importing {source!r} takes longer than {ASK_MS} ms. Move it into the function."
        return f"importing {source!r} failed: {loggable(error.detail, permissions)}. Mend it."
    finally:
        worker.end()
        await worker.gone()


async def _started(job: Job) -> Prepared:
    """Start a worker in the best way that works here."""
    ways = grounds()
    for ground in ways[:-1]:
        try:
            return await Prepared.start(job, ground)
        except PartError:
            continue
    return await Prepared.start(job, ways[-1])


def _declared(answer: Json, name: str) -> Declared:
    """Read an answer, which anything may have written."""
    if isinstance(answer, str):
        return Declared(problem=answer)
    said = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(said, dict) and isinstance(said.get("keys"), dict):
        return Declared(keys=said["keys"])
    problem = said.get("problem") if isinstance(said, dict) else None
    told = str(problem or "its declaration could not be read.")
    return Declared(problem=loggable(told, Permissions()))
