"""Runs tools: one worker a call, thrown away after it, with spares that are started beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress

from loguru import logger

from bargein.errors import PartError
from bargein.processors.clock import monotonic_ms
from bargein.processors.sandbox.line import WorkerError
from bargein.processors.sandbox.outcome import MESSAGES, Failed, Failure, Returned
from bargein.processors.sandbox.plan import Job
from bargein.processors.sandbox.prepared import Prepared
from bargein.processors.sandbox.protections import Protections
from bargein.processors.sandbox.said import loggable
from bargein.processors.sandbox.setup import Limits
from bargein.tools.keywords import Json
from bargein.tools.tool import Permissions, PythonHandler

MOST_AT_ONCE = 4
"""Workers that run for all sessions of this process together."""
PLACE_WITHIN_S = 3.0
"""For a call to get one of these places."""
MOST_SPARES = 16
"""Functions for which a worker is kept ready; each takes some 12 MB."""


class Sandbox:
    """One for a process, shared by its sessions. Whoever makes it calls `close`."""

    def __init__(
        self,
        protections: Protections,
        *,
        most_at_once: int = MOST_AT_ONCE,
        most_spares: int = MOST_SPARES,
    ) -> None:
        """Start workers in the way that these were found for; `open_sandbox` does this."""
        self.protections = protections
        self._most_spares = most_spares
        self._places = asyncio.Semaphore(most_at_once)
        self._spares: dict[Job, asyncio.Task[Prepared]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def warm(self, jobs: Iterable[Job]) -> None:
        """Start a spare for each; a PartError where a function can't be imported, and so on."""
        for job in jobs:
            self._prepare(job)
        await asyncio.gather(*map(asyncio.shield, self._spares.values()))

    async def try_out(self, job: Job) -> None:
        """Start a worker and end it; a PartError where the function can't be imported, or so."""
        worker = await Prepared.start(job, self.protections.ground)
        worker.end()
        await worker.gone()

    async def run(
        self,
        function: PythonHandler,
        arguments: Mapping[str, Json],
        limits: Limits,
        permissions: Permissions,
    ) -> Returned | Failed:
        """Call the function once; never raises. To cancel this kills the worker at once."""
        started_ms = monotonic_ms()
        job = Job(function, limits, permissions)
        try:
            value = await self._in_a_place(job, arguments)
        except WorkerError as error:
            logger.warning("tool {}: {}: {}", job, error.code, loggable(error.detail, permissions))
            return Failed(error.code, MESSAGES[error.code], monotonic_ms() - started_ms)
        return Returned(value, monotonic_ms() - started_ms)

    async def close(self) -> None:
        """End all workers and wait until they are gone, at most 5 s each and all at once."""
        self._is_closed = True
        for task in self._spares.values():
            self._later(self._ended(task))
        self._spares.clear()
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)

    async def _in_a_place(self, job: Job, arguments: Mapping[str, Json]) -> Json:
        if self._is_closed:
            raise WorkerError(Failure.UNAVAILABLE, "the sandbox is closed")
        try:
            async with asyncio.timeout(PLACE_WITHIN_S):
                await self._places.acquire()
        except TimeoutError:
            detail = f"all places are taken for {PLACE_WITHIN_S:g} s"
            raise WorkerError(Failure.UNAVAILABLE, detail) from None
        try:
            return await self._once(job, arguments)
        finally:
            self._places.release()

    async def _once(self, job: Job, arguments: Mapping[str, Json]) -> Json:
        worker = await self._taken(job)
        self._prepare(job)
        try:
            return await worker.call(arguments)
        finally:
            self._end(worker)

    async def _taken(self, job: Job) -> Prepared:
        """Give the spare, or a worker that is started now where there is none, or a dead one."""
        spare = self._spares.pop(job, None)
        task = spare or self._start(job)
        try:
            worker = await asyncio.shield(task)
            if spare is not None and not worker.is_alive:
                self._end(worker)
                task = self._start(job)
                worker = await asyncio.shield(task)
        except PartError as error:
            raise WorkerError(Failure.UNAVAILABLE, str(error)) from None
        except asyncio.CancelledError:
            self._keep(job, task)
            raise
        return worker

    def _prepare(self, job: Job) -> None:
        if job not in self._spares and len(self._spares) < self._most_spares:
            self._keep(job, self._start(job))

    def _start(self, job: Job) -> asyncio.Task[Prepared]:
        return asyncio.create_task(Prepared.start(job, self.protections.ground))

    def _keep(self, job: Job, task: asyncio.Task[Prepared]) -> None:
        """Keep it as the spare; one that fails is forgotten, and tried anew in a call."""
        if job in self._spares or self._is_closed:
            self._later(self._ended(task))
            return
        self._spares[job] = task
        task.add_done_callback(lambda done: self._forget_failed(job, done))

    def _forget_failed(self, job: Job, task: asyncio.Task[Prepared]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("tool {}: {}", job, loggable(str(error), job.permissions))
            if self._spares.get(job) is task:
                del self._spares[job]

    async def _ended(self, task: asyncio.Task[Prepared]) -> None:
        """End a spare, or its start."""
        task.cancel()
        with suppress(asyncio.CancelledError, PartError):
            worker = await task
            worker.end()
            await worker.gone()

    def _end(self, worker: Prepared) -> None:
        """Kill it now, clear away behind it later."""
        worker.end()
        for line in loggable(worker.printed(), worker.job.permissions).splitlines():
            logger.info("tool {} printed: {}", worker.job, line)
        self._later(worker.gone())

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
