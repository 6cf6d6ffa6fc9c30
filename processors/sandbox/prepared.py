"""A worker that is ready for its one call."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence

from bargein.errors import PartError
from bargein.processors.sandbox import channel
from bargein.processors.sandbox.ground import Ground
from bargein.processors.sandbox.line import ChannelClosedError, Line, WorkerError
from bargein.processors.sandbox.outcome import Failure
from bargein.processors.sandbox.plan import Job, Plan
from bargein.processors.sandbox.process import Process
from bargein.processors.sandbox.said import loggable
from bargein.tools.keywords import Json

START_WITHIN_S = 15.0
"""Its function's module is imported meanwhile; pandas takes 1-3 s."""
SIGNALLED = 128
"""Bubblewrap ends with this and the signal by which the worker ended."""


class Prepared:
    """Whoever calls `start` calls `end`, then waits for `gone`."""

    def __init__(self, job: Job, process: Process, line: Line) -> None:
        """`start` does this."""
        self.job = job
        self._process, self._line = process, line

    @classmethod
    async def start(cls, job: Job, ground: Ground) -> Prepared:
        """Start a worker and wait until it is ready; a PartError says why it can't be."""
        plan = await Plan.made(job, ground)
        ours, theirs = socket.socketpair()
        try:
            process = await Process.start(plan, theirs)
        except BaseException as error:
            ours.close()
            await asyncio.to_thread(shutil.rmtree, plan.folder, ignore_errors=True)
            if not isinstance(error, OSError):
                raise
            raise _unprepared(job, str(error)) from error
        finally:
            theirs.close()
        try:
            async with asyncio.timeout(START_WITHIN_S):
                return cls(job, process, await Line.open(ours, plan.setup, plan.destinations))
        except BaseException as error:
            process.end()
            status = await process.ended()
            said = process.printed().strip()
            await process.gone()
            if not isinstance(error, (TimeoutError, WorkerError, ChannelClosedError)):
                raise
            raise _told(job, error, status, said) from None

    @property
    def pid(self) -> int:
        """Of the process that the bot started."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can still be called, as far as is known."""
        return self._process.is_running and self._line.is_open

    async def call(self, arguments: Mapping[str, Json]) -> Json:
        """Call the function; raises `WorkerError`. Once, and then there is only `end`."""
        limits = self.job.limits
        try:
            async with asyncio.timeout(limits.timeout_ms / 1_000):
                await self._line.send(channel.CALL, channel.dumped(dict(arguments)))
                payload = await self._line.receive(channel.ANSWER, limits.answer_bytes)
            value: Json = channel.loaded(payload)
        except TimeoutError:
            raise WorkerError(Failure.TIMED_OUT, f"no answer in {limits.timeout_ms} ms") from None
        except channel.BadAnswerError as error:
            raise WorkerError(Failure.BAD_ANSWER, str(error)) from None
        except ChannelClosedError:
            self._process.end()
            raise _death(await self._process.ended()) from None
        return value

    async def become(
        self, command: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Run another program in its place, and give that one's output and input.

        For a worker whose function is `program.become`. Raises `ChannelClosedError`.
        """
        return await self._line.hand_over({"command": list(command)})

    def printed(self) -> str:
        """Give what it has printed since this was asked last, at most 16 KB."""
        return self._process.printed()

    def end(self) -> None:
        """Kill it, and cut all its connections, at once."""
        self._process.end()
        self._line.close()

    async def gone(self) -> None:
        """Wait for its end, at most 5 s, and remove what was its."""
        await self._process.gone()


def _told(job: Job, error: Exception, status: int | None, said: str) -> PartError:
    """Say why it is not ready, in the words of whatever hindered it."""
    if isinstance(error, TimeoutError):
        why = f"it was not ready within {START_WITHIN_S:g} s"
    elif isinstance(error, WorkerError):
        why = error.detail or error.code
    else:
        why = _death(status).detail
    return _unprepared(job, f"{why}; it said: {said}" if said else why)


def _unprepared(job: Job, why: str) -> PartError:
    """Part of it are the words of the tool's file, and these go to a terminal."""
    return PartError(f"{job} can't be prepared: {loggable(why, job.permissions)}")


def _death(status: int | None) -> WorkerError:
    """Say what a process died of."""
    status = status or 0
    number = status - SIGNALLED if status > 0 else -status
    if number == signal.SIGXCPU:
        return WorkerError(Failure.TIMED_OUT, "it used up its time of the CPU")
    if number > 0:
        return WorkerError(Failure.CRASHED, f"it was ended by signal {number}")
    return WorkerError(Failure.CRASHED, f"it ended with status {status}, without an answer")
