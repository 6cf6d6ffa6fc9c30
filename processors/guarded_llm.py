"""What every LLM service of a session needs so that no call gets past the policy.

It stands below `ProvisionalLLM`, which keeps back the calls of a reply that may never be said, and
above the service's own class. Handlers that somebody registers with the service never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, cast

from loguru import logger
from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    Frame,
    FunctionCallFromLLM,
    FunctionCallsStartedFrame,
    InterruptionFrame,
    LLMContextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService

from bargein.processors.failover import members
from bargein.processors.held_reply import DROPPED
from bargein.processors.tool_calls import Generation, ToolCalls
from bargein.tools.arguments import is_malformed
from bargein.tools.proposal import Proposal
from bargein.tools.tool import OnInterruption

_OF_THIS_REPLY: ContextVar[Generation | None] = ContextVar("bargein_generation", default=None)
"""The reply that the running code is of; tasks that a service starts for it inherit it."""
GOES_ON = (
    "Some of your tools go on while the user speaks about something else. A result that comes "
    "later is owed to the user: answer what the user said last, and then tell the result, once."
)


class GuardedLLM(LLMService[Any]):
    """Stands before an LLM service's class; `guard` puts it there."""

    _calls: ToolCalls
    _generation: Generation
    _others: tuple[GuardedLLM, ...] = ()
    """Those that may take over from it."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note which reply is being made, and that an interruption ends it."""
        if isinstance(frame, InterruptionFrame) and not frame.metadata.get(DROPPED):
            self._generation.is_over = True
        if not isinstance(frame, LLMContextFrame):
            await super().process_frame(frame, direction)
            return
        self._generation = self._calls.begin_generation()
        for other in self._others:
            other.stand_by()
        token = _OF_THIS_REPLY.set(self._generation)
        try:
            await super().process_frame(frame, direction)
        finally:
            _OF_THIS_REPLY.reset(token)

    def stand_by(self) -> None:
        """Another one of its list begins a reply, whose calls may be confirmed here if that fails.

        Not where its own reply was given up: that stays so until it begins another.
        """
        if not self._generation.is_over:
            self._generation = self._calls.begin_generation()

    async def run_function_calls(self, function_calls: Sequence[FunctionCallFromLLM]) -> None:
        """Hand them to the policy; nothing else is done with them."""
        if not function_calls:
            return
        is_stale = self._is_stale()
        is_speculative = self._speculation_gate.is_speculating
        proposals = [
            _proposal(call, is_stale=is_stale, is_speculative=is_speculative)
            for call in function_calls
        ]
        if is_speculative:
            # The turn is answered anew once it is over, and its calls are proposed again.
            await self.broadcast_frame(EagerEndOfTurnCancelFrame)
        elif not is_stale:
            await self.broadcast_frame(FunctionCallsStartedFrame, function_calls=function_calls)
        self._calls.take(proposals)

    def _is_stale(self) -> bool:
        if self.service_metadata_frame().is_realtime_service:
            # It is given no context for each reply; its own server knows what was interrupted.
            return False
        return self._calls.is_stale(_OF_THIS_REPLY.get() or self._generation)

    async def _run_function_call(self, runner_item: Any) -> None:
        """Run nothing: whoever comes here has gone around `run_function_calls`."""
        logger.error("tool {!r} was not proposed, and does not run", runner_item.function_name)

    async def _handle_interruptions(self, _: InterruptionFrame) -> None:
        """Leave calls alone: `ToolCalls` has ended them already, as each is declared."""

    def _sync_registered_tool_handlers(self, tools: Any) -> None:
        """Register nothing; handlers that others registered are told of, once."""
        names = [name for name in self._functions if name not in self._calls.policy.tools]
        self._functions.clear()
        for name in names:
            logger.warning(
                "{}: the function {!r} is registered with Pipecat and never runs; declare it "
                "under `tools:`",
                self,
                name,
            )


def guard(part: FrameProcessor, calls: ToolCalls) -> None:
    """Give an LLM, or each of several, the behaviour above; they share one policy."""
    goes_on = any(
        tool.on_interruption is OnInterruption.FINISH for tool in calls.policy.tools.values()
    )
    llms = members(part)
    for llm in llms:
        kind = type(llm)
        llm.__class__ = type(kind.__name__, (GuardedLLM, kind), {})
        guarded = cast(GuardedLLM, llm)
        guarded._calls, guarded._generation = calls, calls.begin_generation()
        guarded._others = tuple(cast(GuardedLLM, each) for each in llms if each is not llm)
        if goes_on:
            guarded.append_system_instruction(GOES_ON)


def _proposal(call: FunctionCallFromLLM, *, is_stale: bool, is_speculative: bool) -> Proposal:
    arguments = call.arguments
    return Proposal(
        call_id=str(call.tool_call_id or ""),
        name=str(call.function_name or ""),
        arguments=arguments,
        is_malformed=is_malformed(arguments),
        is_stale=is_stale,
        is_speculative=is_speculative,
        is_advertised=call.function_name in _advertised(call.context),
    )


def _advertised(context: Any) -> set[str]:
    """Names of the tools that the LLM was told of with this context."""
    return LLMService._advertised_tool_names(context)
