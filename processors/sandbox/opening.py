"""Opens the sandbox in the best way that works here, and finds out by trying what that holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Any

from bargein.errors import ConfigError, PartError
from bargein.processors.sandbox import folders, probe
from bargein.processors.sandbox.bait import LOCAL, NEIGHBOUR, greeting, laid
from bargein.processors.sandbox.ground import Ground, grounds
from bargein.processors.sandbox.line import WorkerError
from bargein.processors.sandbox.outcome import Failure
from bargein.processors.sandbox.plan import ENVIRONMENT, PASSED, Job
from bargein.processors.sandbox.prepared import Prepared
from bargein.processors.sandbox.protections import INSTALL, OPEN, Hold, Protection, Protections, how
from bargein.processors.sandbox.sandbox import Sandbox
from bargein.processors.sandbox.setup import Limits
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions, PythonHandler

PROBE = probe.__name__
SMALL = Limits(timeout_ms=30_000, memory_mb=256, threads=8, file_mb=2)
"""A machine that is busy at the start must not make a good way look bad: the time is ample."""
SHORT = Limits(timeout_ms=200)
NOTHING = Permissions()
TOO_MUCH = 2
"""So many times the limit is tried."""
OWN_NAMES = frozenset({*ENVIRONMENT, *PASSED, "HOME", "TMPDIR", "PWD", "LC_CTYPE"})
"""PWD is bubblewrap's, LC_CTYPE Python's own."""


class Mode(StrEnum):
    """What to do where this machine can't hold everything."""

    PREFER = "prefer"
    REQUIRE = "require"


async def open_sandbox(mode: Mode = Mode.PREFER) -> Sandbox:
    """Open it; whoever calls this closes it.

    Takes some 0.5 s. With `require` a ConfigError says what does not hold, and the way out. Raises
    PartError where no worker can be started at all.
    """
    folders.sweep()
    hindrances: list[str] = []
    for ground in grounds():
        try:
            protections = await found(ground, tuple(hindrances))
        except (PartError, WorkerError, OSError) as error:
            hindrances.append(f"{ground}: {error}")
            continue
        _refuse_less(mode, protections)
        return Sandbox(protections)
    raise PartError("no worker for tools can be started: " + "; ".join(hindrances))


async def found(ground: Ground, hindrances: tuple[str, ...] = ()) -> Protections:
    """Try to get out of workers of this ground, and give the table of what held."""
    held = {**await _general(ground)}
    held[Hold.HOSTS] = await _hosts(ground)
    held[Hold.TIME] = await _time(ground)
    rows = [
        Protection(hold, held[hold], how(hold, ground) if held[hold] else OPEN[hold])
        for hold in Hold
    ]
    return Protections(ground, tuple(rows), hindrances)


def _refuse_less(mode: Mode, protections: Protections) -> None:
    if mode is Mode.REQUIRE and protections.missing:
        open_ones = "; ".join(f"{row.hold} ({row.how})" for row in protections.missing)
        raise ConfigError(
            f"tool_rules.sandbox: require, and this machine does not hold: {open_ones}."
            f" To hold all, {INSTALL}. Or write `sandbox: prefer`"
        )


async def _general(ground: Ground) -> Mapping[Hold, bool]:
    async with AsyncExitStack() as put_there:
        bait = await put_there.enter_async_context(laid())
        forks = SMALL.threads * TOO_MUCH
        facts = bait.facts(forks=forks, memory_mb=SMALL.memory_mb * TOO_MUCH, limits=SMALL)
        got = await _tried(ground, "attempts", facts, SMALL)
        bait_is = await bait.state()
    leaked = {name for name in got["environment"] if name in os.environ} - OWN_NAMES
    return {
        Hold.ENVIRONMENT: not leaked,
        Hold.MEMORY_OF_OTHERS: not got["memory_read"],
        Hold.READING: not got["file_read"],
        Hold.WRITING: not got["file_written"],
        Hold.NETWORK: not got["connected"] and not bait_is.has_datagram,
        Hold.SIGNALS: bait_is.victim_lives,
        Hold.PROCESSES: got["forks"] < forks,
        Hold.MEMORY: not got["allocated"],
        Hold.FILE_SIZE: got["file_mb"] <= SMALL.file_mb,
        Hold.FOLDER_SIZE: got["folder_mb"] <= SMALL.file_mb,
    }


async def _hosts(ground: Ground) -> bool:
    """Whether it reaches the one place that it may, and no other."""
    async with greeting(LOCAL) as permitted, greeting(LOCAL) as other:
        others = [[LOCAL, other]]
        async with greeting(NEIGHBOUR, permitted, is_optional=True) as same_port:
            others += [[NEIGHBOUR, same_port]] if same_port else []
            got = await _tried(
                ground,
                "reach",
                {"permitted": [LOCAL, permitted], "others": others},
                SMALL,
                Permissions(network=(f"{LOCAL}:{permitted}",)),
            )
    if not got["permitted"]:
        raise PartError(f"a tool does not reach the host that it is permitted: {ground}")
    return not got["others"]


async def _time(ground: Ground) -> bool:
    try:
        await _tried(ground, "go_on_for_ever", {}, SHORT)
    except WorkerError as error:
        return error.code is Failure.TIMED_OUT
    return False


async def _tried(
    ground: Ground,
    function: str,
    arguments: Mapping[str, Json],
    limits: Limits,
    permissions: Permissions = NOTHING,
) -> Any:
    worker = await Prepared.start(Job(PythonHandler(PROBE, function), limits, permissions), ground)
    try:
        return await worker.call(arguments)
    finally:
        worker.end()
        await worker.gone()
