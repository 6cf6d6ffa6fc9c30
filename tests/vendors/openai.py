"""OpenAI's chat completions (`/v1/chat/completions`), streamed, on this machine.

Ollama, llama.cpp's server and vLLM speak the same. A client that closes its connection cancels
the reply: the tokens written until then are counted. A token here is a word with its space.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import web

from tests.vendors.latency import Writing, now_ms, until_ms


class Status(IntEnum):
    """What a request may be refused with."""

    FINE = 200
    NO_KEY = 401
    NO_MODEL = 404
    BROKEN = 500
    BUSY = 503


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets."""

    text: str = ""
    tool: str = ""
    """The name of a tool that is called behind the text."""
    arguments: str = "{}"
    status: Status = Status.FINE
    retry_after_s: int = 0
    """So long one is to wait that is refused; 0 says nothing of it."""
    stalls_after: int | None = None
    """So many tokens come, and then nothing any more."""


@dataclass(slots=True)
class Request:
    """A reply that was asked for."""

    key: str
    body: dict[str, Any]
    at_ms: float = field(default_factory=now_ms)
    tokens: int = 0
    """Written so far."""
    cancelled: bool = False
    """The client left before the end."""

    @property
    def said(self) -> list[str]:
        """What each message says, oldest first."""
        return [str(message.get("content")) for message in self.body["messages"]]


class OpenAI:
    """A server; `async with server.open() as base_url`."""

    def __init__(
        self,
        answer: Callable[[Request], Answer],
        latency: Callable[[Request], Writing] = lambda _: Writing(whole_ms=20),
    ) -> None:
        """Both are asked with the request."""
        self._answer_to, self._latency = answer, latency
        self.key: str | None = None
        """The one that may list the models; None takes any."""
        self.refuses_with = "no"
        self.requests: list[Request] = []
        self.news = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Serve, and give the address: `http://127.0.0.1:PORT/v1`."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._serve)
        app.router.add_get("/v1/models", self._models)
        # A client that leaves ends the writing at once.
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}/v1"
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if self.key not in (None, _key_of(request)):
            error = {"message": self.refuses_with}
            return web.json_response({"error": error}, status=Status.NO_KEY)
        listed = [{"id": "tea-1", "object": "model", "created": 0, "owned_by": "us"}]
        return web.json_response({"object": "list", "data": listed})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        seen = Request(_key_of(request), await request.json())
        self.requests.append(seen)
        answer = self._answer_to(seen)
        if answer.status is not Status.FINE:
            error = {"message": answer.status.name, "type": "error", "code": str(answer.status)}
            wait = {"retry-after": str(answer.retry_after_s)} if answer.retry_after_s else {}
            return web.json_response({"error": error}, status=answer.status, headers=wait)
        try:
            return await self._write(request, seen, answer)
        except (ConnectionResetError, asyncio.CancelledError):
            seen.cancelled = True
            self.news.set()
            raise

    async def _write(
        self, request: web.Request, seen: Request, answer: Answer
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        latency, tokens = self._latency(seen), re.findall(r"\S+\s*", answer.text)

        async def say(delta: dict[str, Any], reason: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            await _event(response, seen, choices=[choice])

        await say({"role": "assistant", "content": ""})
        for number, token in enumerate(tokens):
            if number == answer.stalls_after:
                # The client leaves one day, which ends this.
                await asyncio.Event().wait()
            await until_ms(seen.at_ms + latency.at_ms(number, len(tokens)))
            await say({"content": token})
            seen.tokens += 1
        if answer.tool:
            called = {"name": answer.tool, "arguments": ""}
            await say({"tool_calls": [{"index": 0, "id": "call_1", "function": called}]})
            for piece in (answer.arguments[:3], answer.arguments[3:]):
                await say({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        await say({}, "tool_calls" if answer.tool else "stop")
        usage = {"prompt_tokens": 7, "completion_tokens": seen.tokens, "total_tokens": 0}
        await _event(response, seen, choices=[], usage=usage)
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _key_of(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def _event(response: web.StreamResponse, seen: Request, **fields: Any) -> None:
    head = {"id": "chat_1", "object": "chat.completion.chunk", "created": 0}
    data = json.dumps({**head, "model": seen.body["model"], **fields})
    await response.write(f"data: {data}\n\n".encode())
