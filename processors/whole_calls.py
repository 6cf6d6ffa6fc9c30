"""The tool calls of OpenAI's stream, each in one piece, and with arguments that can be read.

Pipecat puts the pieces together by their index alone, takes one of each chunk, and drops a call
whose arguments are no JSON: nobody would hear of it. Here they are gathered, by the id too, for
some servers count all calls as the first, and given at the end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import (
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
)

from bargein.tools.arguments import mended

NAMELESS = "unnamed"


@dataclass(slots=True)
class _Call:
    index: int
    call_id: str
    name: str = ""
    arguments: str = ""

    def add(self, piece: ChoiceDeltaToolCall) -> None:
        if piece.function:
            self.name += piece.function.name or ""
            self.arguments += piece.function.arguments or ""


class WholeCalls:
    """Stands for a stream; closing it closes the stream."""

    def __init__(self, stream: AsyncStream[ChatCompletionChunk]) -> None:
        """Take the stream as the client gives it."""
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        """Give the chunks; those of calls come last."""
        return whole_calls(self._stream)

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()


async def whole_calls(chunks: Any) -> AsyncIterator[ChatCompletionChunk]:
    """Give all chunks without the pieces of calls, and then each call in a chunk of its own."""
    calls: list[_Call] = []
    last: ChatCompletionChunk | None = None
    async for chunk in chunks:
        delta = chunk.choices[0].delta if chunk.choices else None
        if delta and delta.tool_calls:
            last = chunk
            for piece in delta.tool_calls:
                _call_of(piece, calls).add(piece)
            delta.tool_calls = None
        yield chunk
    for number, call in enumerate(calls):
        assert last is not None
        yield _chunk(last, number, call)


def _call_of(piece: ChoiceDeltaToolCall, calls: list[_Call]) -> _Call:
    same = [call for call in calls if call.index == piece.index]
    if not same or (piece.id and piece.id != same[-1].call_id):
        calls.append(_Call(piece.index, piece.id or ""))
        return calls[-1]
    return same[-1]


def _chunk(like: ChatCompletionChunk, number: int, call: _Call) -> ChatCompletionChunk:
    chunk = like.model_copy(deep=True)
    chunk.usage = None
    function = ChoiceDeltaToolCallFunction(
        name=call.name or NAMELESS, arguments=mended(call.arguments)
    )
    chunk.choices[0].delta.content = None
    chunk.choices[0].delta.tool_calls = [
        ChoiceDeltaToolCall(index=number, id=call.call_id, function=function, type="function")
    ]
    return chunk
