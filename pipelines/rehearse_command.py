"""What `bargein rehearse` does: read everything, rehearse, print, and say how it went.

Several rehearsals at once run in processes of their own: they live in real time, and in one
event loop the making of one bot would hold up all the others.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path

from loguru import logger

from bargein.config.problems import InvalidConfigError, Problem, problems_of
from bargein.errors import ConfigError, PartError
from bargein.pipelines.load import Config, load
from bargein.pipelines.mcp import open_servers
from bargein.pipelines.preparation import get_ready
from bargein.pipelines.rehearsal_files import folders, write
from bargein.pipelines.rehearse import Outcome, Play, rehearse
from bargein.pipelines.scenarios import read_scenarios
from bargein.pipelines.shared import Shared
from bargein.rehearsal.scenario import Written
from bargein.transports.rehearsal.voices import mistakes_of_sounds

PASSED, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Options:
    """How to rehearse, as the command line says."""

    settings: tuple[str, ...]
    out: Path | None
    seed: int | None
    """None takes each scenario's own."""
    jobs: int
    as_json: bool
    brief: bool
    """Leave out the timelines of what passed."""
    debug: bool
    """Log to stderr."""


@dataclass(frozen=True, slots=True)
class Task:
    """One rehearsal, as it is told to the process that runs it."""

    config: Path
    settings: tuple[str, ...]
    scenario: Path
    seed: int | None
    debug: bool


def rehearse_command(config: Path, scenarios: Sequence[Path], options: Options) -> int:
    """Rehearse them all; gives the exit status. ConfigError if there is nothing to be played."""
    _log(options.debug)
    written = read_scenarios(scenarios)
    _try(config, written)
    tasks = [
        Task(
            config,
            (*each.scenario.settings, *options.settings),
            each.path,
            options.seed,
            options.debug,
        )
        for each in written
    ]
    for settings in dict.fromkeys(task.settings for task in tasks):
        _load(config, settings).try_parts()
    places = folders(options.out, [each.path for each in written]) if options.out else []
    began_s = time.monotonic()
    outcomes: list[Outcome] = []
    for outcome in _outcomes(tasks, options.jobs):
        if places:
            write(outcome, places[len(outcomes)])
        outcomes.append(outcome)
        if not options.as_json:
            _print(outcome, brief=options.brief)
    return _conclude(outcomes, options, time.monotonic() - began_s)


def _try(config: Path, written: Sequence[Written]) -> None:
    """Raise InvalidConfigError with all sounds and settings that can't be had, at their places."""
    _load(config, ())
    found: list[Problem] = []
    for each in written:
        found += mistakes_of_sounds(each)
        for count, place in enumerate(each.setting_places, start=1):
            try:
                _load(config, each.scenario.settings[:count])
            except ConfigError as error:
                found += [Problem(place, problem.message) for problem in problems_of(error, place)]
                break
    if found:
        raise InvalidConfigError(found)


def _outcomes(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """Give the outcomes in the order of the tasks, each as soon as it is there."""
    if min(jobs, len(tasks)) == 1:
        yield from map(_run, tasks)
        return
    # They set up their own logs; until then they say nothing.
    os.environ["LOGURU_AUTOINIT"] = "0"
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=_fresh()) as pool:
        try:
            yield from pool.map(_run, tasks)
        except BrokenProcessPool as error:
            raise PartError("a process that rehearsed has died. Try fewer --jobs.") from error


def _fresh() -> BaseContext:
    """Processes that share no threads with this one; where it can be, all is imported once."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _run(task: Task) -> Outcome:
    """Rehearse, in whichever process this is."""
    _log(task.debug)
    config = _load(task.config, task.settings)
    get_ready(config)
    (written,) = read_scenarios([task.scenario])
    with open_servers(config) as servers:
        return asyncio.run(rehearse(Play(written, config, task.seed, Shared(servers=servers))))


def _load(config: Path, settings: tuple[str, ...]) -> Config:
    return load(config, overrides=settings, environ=os.environ)


def _log(debug: bool) -> None:
    logger.remove()
    if debug:
        logger.add(sys.stderr, level="DEBUG", diagnose=False)


def _print(outcome: Outcome, *, brief: bool) -> None:
    report = outcome.report
    lines = report.lines(timeline=not (brief and report.passed))
    print("\n".join(lines), end="\n\n", flush=True)


def _conclude(outcomes: Sequence[Outcome], options: Options, seconds: float) -> int:
    passed = sum(outcome.report.passed for outcome in outcomes)
    if options.as_json:
        print(json.dumps([outcome.report.data() for outcome in outcomes], indent=2))
    else:
        print(f"{passed} of {len(outcomes)} passed in {seconds:.1f} s", flush=True)
    return PASSED if passed == len(outcomes) else FAILED
