"""One call at work, from the line in the audit that goes before it to the result that is used."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Protocol

from loguru import logger

from bargein.processors.audit_file import AuditError
from bargein.processors.audit_trail import Trail
from bargein.processors.clock import Clock
from bargein.tools.audit import Event
from bargein.tools.in_flight import Call
from bargein.tools.keywords import Json
from bargein.tools.policy import ToolPolicy
from bargein.tools.proposal import Code, Refusal
from bargein.tools.tool import Tool

KILL_WITHIN_S = 2.0
"""A handler that was told to stop has stopped by then, or is left to who runs it."""
NO_AUDIT = Refusal(Code.UNAVAILABLE, "Nothing may run now, for it can't be recorded.")
TOO_SLOW = Refusal(Code.TIMED_OUT, "The tool took too long and was stopped.")
BROKEN = Refusal(Code.FAILED, "The tool failed.")
STOPPED = Refusal(Code.CANCELLED, "The call was stopped before it had a result.")


class ToolFailedError(Exception):
    """A handler has no result; `message` is for the LLM, and nothing of the handler's own."""

    def __init__(self, code: Code, message: str, detail: str = "") -> None:
        """`detail` is a closer word for the audit than the code."""
        super().__init__(message)
        self.refusal = Refusal(code, message)
        self.detail = detail


class Runs(Protocol):
    """Who runs handlers, apart from the bot."""

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        """Give what the handler returned; ToolFailedError where it did not. To cancel kills it."""


@dataclass(slots=True, repr=False)
class Work:
    """Runs one call once, in bounded time; every way out is a line in the audit."""

    call: Call
    runs: Runs
    policy: ToolPolicy
    trail: Trail
    clock: Clock
    has_started: bool = False
    _task: asyncio.Task[Json] | None = None

    def stop(self) -> None:
        """Kill it, at once."""
        self.call.is_cancelled = True
        if self._task:
            self._task.cancel()

    async def outcome(self) -> Refusal | Json:
        """Run it; gives what the LLM is told."""
        if self.call.is_cancelled:
            await self.note(Event.CANCELLED)
            return STOPPED
        if not await self.note(Event.STARTED):
            return NO_AUDIT
        if self.call.is_cancelled:
            await self.note(Event.CANCELLED)
            return STOPPED
        self.has_started = True
        began_ms = self.clock.now_ms()
        result, detail = await self._result()
        await self._note_end(result, detail, self.clock.now_ms() - began_ms)
        return result

    async def note(self, event: Event, *, code: str = "", reason: str = "") -> bool:
        """Write a line of this call; whether it is on the disk."""
        tool = self.call.tool
        try:
            await self.trail.note(
                event,
                tool=tool.name,
                call_id=self.call.call_id,
                arguments=tool.arguments.kept(self.call.arguments),
                code=code,
                reason=reason,
            )
        except AuditError as error:
            logger.error("tool {}: {}", tool.name, error)
            return False
        return True

    async def _result(self) -> tuple[Refusal | Json, str]:
        tool = self.call.tool
        self._task = asyncio.create_task(self.runs.run(tool, self.call.arguments))
        try:
            done, _ = await asyncio.wait({self._task}, timeout=tool.timeout_ms / 1000)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=KILL_WITHIN_S)
                return TOO_SLOW, ""
        finally:
            # Also where this very task is cancelled: nothing runs on behind it.
            self._task.cancel()
        return self._read(self._task)

    def _read(self, task: asyncio.Task[Json]) -> tuple[Refusal | Json, str]:
        if task.cancelled() or self.call.is_cancelled:
            return STOPPED, ""
        match task.exception():
            case None:
                return self._checked(task.result()), ""
            case ToolFailedError() as failed:
                return failed.refusal, failed.detail
            case error:
                logger.opt(exception=error).error("tool {} could not be run", self.call.tool.name)
                return BROKEN, ""

    def _checked(self, result: Json) -> Refusal | Json:
        tool = self.call.tool
        secrets = [os.environ.get(name, "") for name in tool.permissions.env]
        try:
            return self.policy.check_result(tool, result, secrets=secrets)
        except Exception:  # the handler has run: what can't be checked is not used, and told so
            logger.exception("the result of tool {} could not be checked", tool.name)
            return BROKEN

    async def _note_end(self, result: Refusal | Json, detail: str, duration_ms: float) -> None:
        refused = result if isinstance(result, Refusal) else None
        event = Event.RETURNED
        if refused:
            event = Event.CANCELLED if refused.code is Code.CANCELLED else Event.FAILED
        try:
            await self.trail.note(
                event,
                tool=self.call.tool.name,
                call_id=self.call.call_id,
                code=detail or (refused.code if refused else ""),
                reason=refused.message if refused else "",
                duration_ms=duration_ms,
                result_digest="" if refused else self.trail.digest(result),
            )
        except AuditError as error:
            # It has run: that much stands in the audit already.
            logger.error("tool {}: {}", self.call.tool.name, error)
