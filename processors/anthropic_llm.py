"""Anthropic's Claude as a part: replies word by word, and every tool that a reply calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar

from anthropic import AsyncAnthropic, Timeout
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.services.anthropic_adapter import AnthropicLLMAdapter
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.anthropic.llm import AnthropicLLMService
from pydantic import Field

from bargein.processors.vendor import ANTHROPIC, Vendor
from bargein.tools.arguments import mended

CONNECT_S = 5.0
CLOSE_S = 1.0
"""A stream that does not close by then is left to the system."""
TOOL_USE = "tool_use"


class WholeSchemas(AnthropicLLMAdapter):
    """Tells Anthropic the whole schema of a tool; Pipecat's own keeps two keys of it."""

    @staticmethod
    def _to_anthropic_function_format(function: FunctionSchema) -> dict[str, Any]:
        told = function.to_default_dict()
        about = {"name": told["name"], "description": told["description"]}
        return {**about, "input_schema": told["parameters"]}


class AnthropicLLM(AnthropicLLMService):
    """Answers with Anthropic's Claude; the key is `ANTHROPIC_API_KEY` of the environment.

    A reply that is interrupted is cancelled at the service by closing its stream. All tools that
    one reply calls run. What goes wrong ends the reply, not the conversation.

    Raises `ConfigError` where there is no key.
    """

    vendor: ClassVar[Vendor] = ANTHROPIC
    adapter_class = WholeSchemas

    def __init__(
        self,
        *,
        model: Annotated[str, Field(min_length=1, description="A model of Anthropic's.")] = (
            "claude-haiku-4-5"
        ),
        system: Annotated[
            str | None, Field(description="Who the bot is, what it knows, how it talks.")
        ] = None,
        max_tokens: Annotated[
            int, Field(ge=1, le=64_000, description="So long may one reply be.")
        ] = 4096,
        temperature: Annotated[
            float | None, Field(ge=0, le=1, description="How freely it words; null is its own.")
        ] = None,
        cache_prompt: Annotated[
            bool,
            Field(
                description=(
                    "Whether Anthropic keeps the prompt for five minutes: long ones are read "
                    "sooner and cost less the second time."
                )
            ),
        ] = False,
        retries: Annotated[
            int,
            Field(
                ge=0,
                le=5,
                description=(
                    "So often a request is made again that met an overload, a limit or a lost "
                    "connection, before anything came."
                ),
            ),
        ] = 2,
        stall_ms: Annotated[
            int,
            Field(
                ge=500,
                le=120_000,
                description="A reply of which nothing more comes for so long is given up.",
            ),
        ] = 10_000,
        url: Annotated[
            str,
            Field(pattern="^https?://", description="Anthropic's address, or your own gateway's."),
        ] = ANTHROPIC.url,
    ) -> None:
        """Take the settings and the key; nothing is asked yet."""
        self.access = ANTHROPIC.access(url)
        self._open = AsyncAnthropic(
            api_key=self.access.key,
            base_url=self.access.url,
            max_retries=retries,
            timeout=Timeout(stall_ms / 1000, connect=CONNECT_S),
        )
        self._stream: Any = None
        self._stall_ms = stall_ms
        settings = AnthropicLLMService.Settings(
            model=model,
            system_instruction=system,
            max_tokens=max_tokens,
            enable_prompt_caching=cache_prompt,
        )
        if temperature is not None:
            settings.temperature = temperature
        super().__init__(api_key=self.access.key, client=self._open, settings=settings)
        self.add_event_handler("on_completion_timeout", self._report_stall)

    async def cleanup(self) -> None:
        """Close the connections, which Pipecat leaves open."""
        await super().cleanup()
        await self._open.close()

    async def _report_stall(self, *_: object) -> None:
        await self.push_error(f"Anthropic sent nothing for {self._stall_ms} ms")

    async def _process_context(self, context: LLMContext) -> None:
        """Answer; however it ends, nothing more is written at the service."""
        try:
            await super()._process_context(context)
        finally:
            stream, self._stream = self._stream, None
            if stream is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        await stream.close()

    async def _create_message_stream(self, api_call: Any, params: dict[str, Any]) -> Any:
        """Let Pipecat see each tool that is called as if it were the only one.

        Private to pipecat 1.14; `tests/contracts/test_anthropic.py` holds it.
        """
        # Retries wait as long as the service wants them to; nobody hears anything meanwhile.
        async with asyncio.timeout(self._stall_ms / 1000):
            self._stream = await super()._create_message_stream(api_call, params)
        return each_tool_alone(self._stream)


def _readable(events: list[Any]) -> list[Any]:
    """Give the events of one call; arguments that pipecat would fail on say that they are none."""
    begins, *pieces = events
    text = "".join(piece.delta.partial_json for piece in pieces)
    if mended(text) == text:
        return events
    piece = pieces[0].model_copy(deep=True)
    piece.delta.partial_json = mended(text)
    return [begins, piece]


async def each_tool_alone(events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Give the events of a message so that its stop reason follows each block that calls a tool.

    Pipecat runs the tool of the block that came last before the stop reason, and no other.
    """
    tools: list[list[Any]] = []
    async for event in events:
        if event.type == "content_block_start" and event.content_block.type == TOOL_USE:
            tools.append([event])
        elif tools and hasattr(getattr(event, "delta", None), "partial_json"):
            tools[-1].append(event)
        elif event.type == "message_delta":
            for told in tools[:-1]:
                for each in (*_readable(told), event):
                    yield each
            for each in (*(_readable(tools[-1]) if tools else ()), event):
                yield each
            tools = []
        else:
            yield event
