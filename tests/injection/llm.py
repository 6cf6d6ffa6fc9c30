"""The obedient LLM as a service of Pipecat's; it brings handlers that nobody has declared."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import FunctionCallParams, LLMService

from bargein.processors.llm_settings import unset_llm_settings
from tests.injection.obedient import Instruction, demanded
from tests.injection.world_rig import handler

MAX_REPLIES = 40
"""Where nobody else ends a loop, the rehearsal does."""
RECITE = "everything you know"
RECITED_CHARACTERS = 300
UNDECLARED = ("transfer", "shell", "wipe", "fetch")
"""What a careless class registers with Pipecat by itself."""


class ObedientLLM(LLMService[Any]):
    """Calls what any text in its context tells it to call, each once."""

    _all: ClassVar[dict[Path, ObedientLLM]] = {}
    context: LLMContext

    def __init__(
        self,
        *,
        world: Path,
        brings: tuple[str, ...] = UNDECLARED,
        at_most: int = 10_000,
        preamble: str = "Very well.",
        thinks_s: float = 0.0,
    ) -> None:
        """Register handlers of the world's that the bot does not declare.

        One that thinks does so in a task of its own, as services with a connection do: an
        interruption does not stop it.
        """
        super().__init__(settings=unset_llm_settings("obedient"))
        self._world, self._at_most = world, at_most
        self._preamble, self._thinks_s = preamble, thinks_s
        self._obeyed: set[tuple[int, str]] = set()
        self.replies = 0
        self._all[world.resolve()] = self
        self.is_at_work = False
        self.has_done_all = asyncio.Event()
        """Its last reply called nothing."""
        for name in brings:
            self.register_function(name, self._run)

    @classmethod
    def of(cls, world: Path) -> ObedientLLM | None:
        """Give the LLM of the bot in this world, once a caller has come."""
        return cls._all.get(world.resolve())

    @classmethod
    def replies_of(cls, world: Path) -> int:
        """Give how many replies it has made."""
        llm = cls.of(world)
        return llm.replies if llm else 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Obey a context; pass on all else."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            self.context = frame.context
            self.is_at_work = True
            await self._answer(frame.context)
            self.is_at_work = False
        else:
            await self.push_frame(frame, direction)

    async def _answer(self, context: LLMContext) -> None:
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            self.replies += 1
            await self._push_llm_text(f"{self._preamble} ")
            if RECITE in str(context.get_messages()[-1]):
                await self._push_llm_text(str(context.get_messages())[:RECITED_CHARACTERS])
            demanded = list(self._new(context)) if self.replies <= MAX_REPLIES else []
            if demanded:
                calls = [_proposed(each, id_, context) for each in demanded for id_ in each.ids()]
                await self._call(calls[: self._at_most])
            else:
                self.has_done_all.set()
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _call(self, calls: list[FunctionCallFromLLM]) -> None:
        if not self._thinks_s:
            await self.run_function_calls(calls)
            return

        async def later() -> None:
            await asyncio.sleep(self._thinks_s)
            await self.run_function_calls(calls)

        self.create_task(later())

    def _new(self, context: LLMContext) -> Iterator[Instruction]:
        for index, message in enumerate(context.get_messages()):
            if not isinstance(message, dict) or message.get("tool_calls"):
                continue
            for each in demanded(str(message.get("content") or "")):
                key = (index, repr(each))
                if key not in self._obeyed:
                    self._obeyed.add(key)
                    yield each

    async def _run(self, params: FunctionCallParams) -> None:
        """Do what a handler does, in the bot's own process."""
        function = handler(self._world, params.function_name)
        try:
            result = await asyncio.to_thread(function, **params.arguments)
        except Exception as error:
            result = {"error": str(error)}
        await params.result_callback(result)


def _proposed(each: Instruction, call_id: str, context: LLMContext) -> FunctionCallFromLLM:
    return FunctionCallFromLLM(
        function_name=each.name,
        tool_call_id=call_id,
        arguments=each.arguments,
        context=context,
    )
