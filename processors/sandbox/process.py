"""The process of one worker: started without forking the bot's memory, ended for certain."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from bargein.processors.sandbox import priority
from bargein.processors.sandbox.plan import Plan
from bargein.processors.sandbox.setup import MAX_PRINTED_BYTES

EXIT_WITHIN_S = 5.0
"""After SIGKILL: a process that hangs in the kernel, on a dead network disk, is left to it."""


class Process:
    """Whoever calls `start` calls `end`, then waits for `gone`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, printed: int) -> None:
        """Take a started process, its folder, and the pipe into which it prints."""
        self._process = process
        self._folder = folder
        self._printed = printed

    @classmethod
    async def start(cls, plan: Plan, channel: socket.socket) -> Process:
        """Start what the plan says, with this end of the channel; raises OSError.

        No `preexec_fn`, no `user=`: with either Python would copy the page tables of a bot with
        its models, and the voice would stand still meanwhile.
        """
        printed, prints = os.pipe()
        os.set_blocking(printed, False)
        os.set_blocking(prints, False)
        try:
            process = await asyncio.create_subprocess_exec(
                *plan.command(channel.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=prints,
                stderr=prints,
                pass_fds=(channel.fileno(),),
                env=plan.environment,
                cwd=plan.folder,
                start_new_session=True,
            )
        except BaseException:
            os.close(printed)
            raise
        finally:
            os.close(prints)
        priority.try_to_hold_back(process.pid)
        return cls(process, plan.folder, printed)

    @property
    def pid(self) -> int:
        """With bubblewrap this is bubblewrap, and what it started goes with it."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    def printed(self) -> str:
        """Give what it has printed since this was asked last, at most 16 KB."""
        try:
            return os.read(self._printed, MAX_PRINTED_BYTES).decode("utf-8", "replace")
        except BlockingIOError:
            return ""

    def end(self) -> None:
        """Kill it and all that it started, at once; nothing of it is waited for."""
        if self.is_running:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> int | None:
        """Wait for its end, and give its exit status; None if it goes on for 5 s."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_WITHIN_S):
                return await self._process.wait()
        return None

    async def gone(self) -> None:
        """Wait for its end, and remove what was its."""
        await self.ended()
        os.close(self._printed)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
