"""What any LLM service needs so that its replies may be provisional.

The service answers a provisional context as it answers any other. What it would do beyond
talking waits for the confirmation: tool calls are withheld, and run then without being
asked for again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService

from bargein.processors.failover import Failover, members
from bargein.processors.held_reply import DROPPED

BRANCH = "bargein_branch"
"""Key of the metadata of a provisional LLMContextFrame: the number of its prediction."""
CHARACTERS_PER_TOKEN = 4
"""Of English, about; where a service does not count."""


@dataclass(slots=True)
class Spent:
    """The tokens of one provisional reply."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = True


@dataclass(slots=True)
class Replies:
    """Which reply the service is at, and what it may not do yet."""

    void: Callable[[], Awaitable[None]]
    """Somebody else wants a reply: a provisional one gives way."""
    context: LLMContext
    """The real one, in which withheld tools run."""
    held: int = 0
    """Number of the prediction that is open, 0 if none."""
    dropped: int = 0
    """This prediction and all before it are over."""
    branch: int = 0
    """Whose reply is being made, or was made last; 0 where it is no provisional one."""
    at_another: bool = False
    """A reply that is no provisional one is being made."""
    spent: Spent = field(default_factory=Spent)
    withheld: list[FunctionCallFromLLM] = field(default_factory=list)
    waiting: list[LLMContextFrame] = field(default_factory=list)
    """Contexts of somebody else's that came while a provisional reply was made."""


class ProvisionalLLM(LLMService[Any]):
    """Stands before an LLM service's class; `make_provisional` puts it there."""

    _replies: Replies

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer no context that is dropped already, and none while a provisional one is held."""
        if isinstance(frame, LLMContextFrame) and not await self._admit(frame):
            return
        if isinstance(frame, InterruptionFrame) and not frame.metadata.get(DROPPED):
            self._replies.at_another = False
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame) and frame.metadata.get(DROPPED):
            await self._admit_waiting()

    async def _handle_interruptions(self, frame: InterruptionFrame) -> None:
        """Cancel tools, but not for a dropped reply: those that run are of earlier turns."""
        if not frame.metadata.get(DROPPED):
            await super()._handle_interruptions(frame)

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        """Count what a provisional reply says, and see when another one is made."""
        if isinstance(frame, LLMFullResponseEndFrame):
            self._replies.at_another = False
        spent = self._replies.spent
        if isinstance(frame, LLMTextFrame) and self._counts and spent.estimated:
            spent.completion += max(1, len(frame.text) // CHARACTERS_PER_TOKEN)
        await super().push_frame(frame, direction)

    async def start_llm_usage_metrics(self, tokens: LLMTokenUsage) -> None:
        """Take the service's own count, if it is in time."""
        if self._counts:
            self._replies.spent = Spent(
                tokens.prompt_tokens, tokens.completion_tokens, estimated=False
            )
        await super().start_llm_usage_metrics(tokens)

    async def run_function_calls(self, function_calls: Sequence[FunctionCallFromLLM]) -> None:
        """Run tools, but those of a provisional reply only once it is confirmed."""
        replies = self._replies
        if replies.branch and not self._counts:
            return
        if replies.branch and replies.branch == replies.held:
            replies.withheld.extend(function_calls)
            return
        if replies.branch:
            function_calls = [replace(call, context=replies.context) for call in function_calls]
        await super().run_function_calls(function_calls)

    # --- the speculation plug calls these ------------------------------------------------

    @property
    def spent(self) -> Spent:
        """The tokens of the provisional reply so far."""
        return self._replies.spent

    @property
    def withheld(self) -> int:
        """How many tool calls wait."""
        return len(self._replies.withheld)

    @property
    def busy(self) -> bool:
        """Whether it is at a reply that may be said at once, as one to the result of a tool."""
        return self._replies.at_another

    def begin(self, number: int) -> None:
        """A provisional context with this number is on its way."""
        self._replies.held, self._replies.withheld = number, []
        self._replies.spent = Spent()

    def drop(self, number: int) -> None:
        """Its reply is dropped: its tools never run."""
        self._replies.held, self._replies.withheld = 0, []
        self._replies.dropped = number

    async def confirm(self) -> None:
        """Its reply is said: its tools run now, in the real context."""
        self._replies.held = 0
        calls, self._replies.withheld = self._replies.withheld, []
        await self.run_function_calls(calls)
        await self._admit_waiting()

    # --- inside ----------------------------------------------------------------------------

    @property
    def _counts(self) -> bool:
        """Whether it is at a provisional reply that is not dropped."""
        return self._replies.branch > self._replies.dropped

    async def _admit(self, frame: LLMContextFrame) -> bool:
        replies = self._replies
        number = frame.metadata.get(BRANCH, 0)
        if number:
            if number <= replies.dropped:
                return False
            # Given again after one that failed: what that one wanted called is not wanted any more.
            replies.withheld = []
            replies.spent.prompt = _length(frame.context) // CHARACTERS_PER_TOKEN
        elif replies.held:
            # The interruption that ends the provisional reply would end this one, too.
            replies.waiting.append(frame)
            await replies.void()
            return False
        replies.branch, replies.at_another = number, not number
        return True

    async def _admit_waiting(self) -> None:
        """No provisional reply is held any more: who waited for that is answered."""
        waiting, self._replies.waiting = self._replies.waiting, []
        for each in waiting:
            await self.queue_frame(each)


class Prepares(Protocol):
    """Who makes provisional replies: a `ProvisionalLLM`, or whichever of several works."""

    @property
    def spent(self) -> Spent:
        """The tokens of the provisional reply so far."""

    @property
    def withheld(self) -> int:
        """How many tool calls wait."""

    @property
    def busy(self) -> bool:
        """Whether another reply than a provisional one is being made."""

    def begin(self, number: int) -> None:
        """A provisional context with this number is on its way."""

    def drop(self, number: int) -> None:
        """Its reply is dropped."""

    async def confirm(self) -> None:
        """Its reply is said."""


class WhicheverWorks:
    """Several LLMs of which one works; they share what is known of the reply that is made."""

    def __init__(self, active: Callable[[], ProvisionalLLM]) -> None:
        """`active` gives the one that works."""
        self._active = active

    @property
    def spent(self) -> Spent:
        """The tokens of the provisional reply so far."""
        return self._active().spent

    @property
    def withheld(self) -> int:
        """How many tool calls wait."""
        return self._active().withheld

    @property
    def busy(self) -> bool:
        """Whether another reply than a provisional one is being made."""
        return self._active().busy

    def begin(self, number: int) -> None:
        """A provisional context with this number is on its way."""
        self._active().begin(number)

    def drop(self, number: int) -> None:
        """Its reply is dropped."""
        self._active().drop(number)

    async def confirm(self) -> None:
        """Its reply is said: its tools run at the one that works now."""
        await self._active().confirm()


def make_provisional(
    part: FrameProcessor, *, context: LLMContext, void: Callable[[], Awaitable[None]]
) -> Prepares:
    """Give the LLM service the behaviour above, or each of several: it may be of any class."""
    replies = Replies(void=void, context=context)
    provisional = [_provisional(llm, replies) for llm in members(part)]
    if not isinstance(part, Failover):
        return provisional[0]
    return WhicheverWorks(lambda: cast(ProvisionalLLM, part.active))


def _provisional(llm: FrameProcessor, replies: Replies) -> ProvisionalLLM:
    kind = type(llm)
    llm.__class__ = type(kind.__name__, (ProvisionalLLM, kind), {})
    provisional = cast(ProvisionalLLM, llm)
    provisional._replies = replies
    return provisional


def _length(context: LLMContext) -> int:
    return sum(len(str(message)) for message in context.get_messages())
