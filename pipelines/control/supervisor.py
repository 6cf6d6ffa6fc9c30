"""Keeps the workers alive: starts them, starts anew what died or hangs, and ends them politely."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loguru import logger

from bargein.control.placement import DEAD_MS, Pulse
from bargein.errors import PartError
from bargein.pipelines.control.store import Store, StoreError
from bargein.pipelines.control.worker import LAST_WORDS_S, Orders
from bargein.pipelines.serve import STOP_S
from bargein.processors.clock import monotonic_ms

COMMAND = (sys.executable, "-m", "bargein.pipelines.control.worker")
LOOK_EVERY_S = 1.0
SWEEP_EVERY_LOOKS = 10
START_S = 180.0
"""Models may have to be fetched; a worker that has not beaten by then is killed."""
FIRST_BACKOFF_S, MOST_BACKOFF_S = 0.5, 30.0
MOST_FAILED_STARTS = 5
"""So often in a row a worker may die before its first beat: then something is wrong with it."""
END_S = STOP_S + LAST_WORDS_S + 2.0
"""What a worker needs beyond its drain; then it is killed."""


@dataclass(slots=True)
class _Child:
    """A process of ours."""

    id: str
    process: Process
    started_ms: float


class Supervisor:
    """Use `run` as a task, and `stop` before it is cancelled."""

    def __init__(
        self,
        store: Store,
        orders: Callable[[str, int], Orders],
        environ: Mapping[str, str],
        count: int,
        pulse: Pulse,
        *,
        drain_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Keep `count` workers; `orders` gives what the worker of an id and a number is told.

        The clerk is told by the `pulse` who is silent.
        """
        self._store, self._orders, self._environ = store, orders, dict(environ)
        self._count, self._drain_s, self._now_s = count, drain_s, now_s
        # Else what is imported writes to the log before the worker has set it up.
        self._environ["LOGURU_AUTOINIT"] = "False"
        self._children: dict[int, _Child] = {}
        self._pulse = pulse
        self._is_stopping = False

    async def run(self) -> None:
        """Keep them until cancelled; PartError if a worker can't be started at all."""
        await self._lose_the_dead()
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._count + 1):
                group.create_task(self._keep(number))
            group.create_task(self._watch())

    async def stop(self) -> None:
        """Drain all workers, and kill those that do not end. The others' talks go on till then."""
        self._is_stopping = True
        running = [child.process for child in self._children.values()]
        for process in running:
            _signal(process, signal.SIGTERM)
        ends = [asyncio.create_task(process.wait()) for process in running]
        if ends:
            await asyncio.wait(ends, timeout=self._drain_s + END_S)
        await self.kill()

    async def kill(self) -> None:
        """End all workers at once."""
        self._is_stopping = True
        for child in list(self._children.values()):
            _signal(child.process, signal.SIGKILL)
            await child.process.wait()
            await self._lose(child.id)

    async def _keep(self, number: int) -> None:
        """Run one worker after the other."""
        failures = 0
        while not self._is_stopping:
            child = await self._start(number)
            status = await child.process.wait()
            has_beaten, lost = await self._lose(child.id)
            if self._is_stopping:
                return
            failures = 0 if has_beaten else failures + 1
            told = f"worker {child.id} is gone ({_reason(status)}), {lost} sessions are lost"
            logger.error("{}; another one is started", told)
            if failures >= MOST_FAILED_STARTS:
                raise PartError(f"Workers do not start: {told}. See what they have said above.")
            await asyncio.sleep(min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2**failures))

    async def _start(self, number: int) -> _Child:
        id_ = f"{number}-{secrets.token_hex(4)}"
        # In a session of its own: Ctrl-C on the terminal is for the supervisor alone.
        process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, env=self._environ, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(self._orders(id_, number).model_dump_json().encode() + b"\n")
        child = self._children[number] = _Child(id_, process, monotonic_ms())
        return child

    async def _watch(self) -> None:
        """Look for workers that hang, of whatever supervisor; and tidy the store."""
        looks = 0
        while True:
            try:
                await self._look()
                if looks % SWEEP_EVERY_LOOKS == 0:
                    await self._store.sweep(int(self._now_s()))
            except StoreError as error:
                logger.error("the workers can't be watched: {}", error)
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        now_ms = monotonic_ms()
        workers = await self._store.workers()
        self._pulse.look(workers, now_ms)
        dead = self._pulse.silent(now_ms, DEAD_MS)
        known = {each.id for each in workers}
        own = {child.id for child in self._children.values()}
        for child in list(self._children.values()):
            never = child.id not in known and now_ms - child.started_ms > START_S * 1000
            if child.id in dead or never:
                logger.error("worker {} hangs: it is killed", child.id)
                _signal(child.process, signal.SIGKILL)
        for worker in dead - own:
            await self._lose(worker)

    async def _lose_the_dead(self) -> None:
        """Forget workers of an earlier supervisor that died, too; the others end by themselves."""
        for worker in await self._store.workers():
            if not _is_alive(worker.pid):
                await self._lose(worker.id)

    async def _lose(self, worker: str) -> tuple[bool, int]:
        """Note that a worker is gone; gives whether it had beaten, and how many talks it lost."""
        try:
            has_beaten = any(each.id == worker for each in await self._store.workers())
            return has_beaten, len(await self._store.lose_worker(worker, int(self._now_s())))
        except StoreError as error:
            # Its beat stands still: whoever looks next finds out.
            logger.error("worker {} is gone, and the store was not told: {}", worker, error)
            return True, 0


def _signal(process: Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reason(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
