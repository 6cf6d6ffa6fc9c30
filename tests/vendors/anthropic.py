"""Anthropic's messages (`/v1/messages`), streamed and whole, on this machine.

A client that closes its connection cancels the reply: the tokens written until then are counted.
A token here is a word with its space.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.vendors.latency import Writing, now_ms, until_ms

CHARS_PER_TOKEN = 4
"""Of a prompt, about, in English."""


@dataclass(slots=True)
class Request:
    """A reply that was asked for."""

    number: int
    at_ms: float
    """Of the monotonic clock."""
    asked: str
    """All that the user has said in this conversation, as the LLM was told."""
    reply: str
    streamed: bool
    input_tokens: int
    tokens: int = 0
    """Written so far."""
    first_ms: float | None = None
    """When the first token was written, of the monotonic clock."""
    cancelled: bool = False
    """The client left before the end."""


class Anthropic:
    """A server; `async with server.open() as url`."""

    def __init__(
        self,
        reply: Callable[[int], str],
        latency: Callable[[int], Writing] = lambda number: Writing(),
    ) -> None:
        """`reply` and `latency` are asked with the number of the request, from 1."""
        self._reply = reply
        self._latency = latency
        self.requests: list[Request] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Serve, and give the address: `http://127.0.0.1:PORT`."""
        app = web.Application()
        app.router.add_post("/v1/messages", self._serve)
        # A client that leaves ends the writing at once.
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = len(self.requests) + 1
        seen = Request(
            number,
            now_ms(),
            asked=_said_by_user(body["messages"]),
            reply=self._reply(number),
            streamed=bool(body.get("stream")),
            input_tokens=len(json.dumps(body["messages"])) // CHARS_PER_TOKEN,
        )
        self.requests.append(seen)
        try:
            return await self._answer(request, seen, body["model"])
        except ConnectionResetError:
            seen.cancelled = True
            return web.Response()
        except asyncio.CancelledError:
            seen.cancelled = True
            raise

    async def _answer(self, request: web.Request, seen: Request, model: str) -> web.StreamResponse:
        tokens = re.findall(r"\S+\s*", seen.reply)
        latency = self._latency(seen.number)
        message = _message(seen, model)
        if not seen.streamed:
            await until_ms(seen.at_ms + latency.whole_ms)
            seen.tokens = len(tokens)
            whole = {"content": [{"type": "text", "text": seen.reply}], "stop_reason": "end_turn"}
            usage = {"input_tokens": seen.input_tokens, "output_tokens": seen.tokens}
            return web.json_response({**message, **whole, "usage": usage})
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        stream = _Stream(response)
        await stream.say("message_start", message=message)
        await stream.say("content_block_start", index=0, content_block={"type": "text", "text": ""})
        await stream.say("ping")
        for number, token in enumerate(tokens):
            await until_ms(seen.at_ms + latency.at_ms(number, len(tokens)))
            delta = {"type": "text_delta", "text": token}
            await stream.say("content_block_delta", index=0, delta=delta)
            seen.tokens += 1
            seen.first_ms = seen.first_ms or now_ms()
        await stream.say("content_block_stop", index=0)
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        await stream.say("message_delta", delta=end, usage={"output_tokens": seen.tokens})
        await stream.say("message_stop")
        await response.write_eof()
        return response


@dataclass(slots=True)
class _Stream:
    """Server-sent events."""

    response: web.StreamResponse

    async def say(self, kind: str, **fields: Any) -> None:
        data = json.dumps({"type": kind, **fields})
        await self.response.write(f"event: {kind}\ndata: {data}\n\n".encode())


def _message(seen: Request, model: str) -> dict[str, Any]:
    return {
        "id": f"msg_{seen.number}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": model,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": seen.input_tokens, "output_tokens": 1},
    }


def _said_by_user(messages: list[dict[str, Any]]) -> str:
    said: list[str] = []
    for message in messages:
        if message["role"] != "user":
            continue
        content = message["content"]
        parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
        said.extend(parts)
    return " ".join(said)
