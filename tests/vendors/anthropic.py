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
from enum import Enum, auto
from typing import Any

from aiohttp import web

from tests.vendors.account import Account, Refusal
from tests.vendors.latency import Writing, now_ms, until_ms

CHARS_PER_TOKEN = 4
"""Of a prompt, about, in English."""
MODELS = [
    {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2025-10-01T00:00:00Z",
    }
    for name in ("claude-haiku-4-5", "claude-sonnet-4-6")
]


class Wrong(Enum):
    """What goes wrong with a reply."""

    NOTHING = auto()
    STALLS = auto()
    """The next token never comes."""
    LEAVES = auto()
    """The connection is cut."""
    FAILS = auto()
    """500, before anything else."""
    GARBLED = auto()
    """What is no event comes in place of the next token."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets."""

    text: str
    tools: tuple[tuple[str, dict[str, Any] | str], ...] = ()
    """Tools that are called behind the text, each with its arguments; text is written as it is."""
    wrong: Wrong = Wrong.NOTHING
    after_tokens: int = 0
    """So much of the text comes before it goes wrong."""


@dataclass(slots=True)
class Request:
    """A reply that was asked for."""

    number: int
    at_ms: float
    """Of the monotonic clock."""
    asked: str
    """All that the user has said in this conversation, as the LLM was told."""
    last: str
    """What the user has said last; empty behind the result of a tool."""
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
        *,
        answer: Callable[[Request], Answer] | None = None,
    ) -> None:
        """`reply` and `latency` are asked with the number of the request, from 1.

        `answer`, if there is one, is asked with the request, and may have it go wrong.
        """
        self._reply, self._answer_to = reply, answer
        self._latency = latency
        self.account = Account()
        self.requests: list[Request] = []

    @asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator[str]:
        """Serve, and give the address: `http://127.0.0.1:PORT`; 0 takes any free port."""
        app = web.Application()
        app.router.add_post("/v1/messages", self._serve)
        app.router.add_get("/v1/models", self._models)
        # A client that leaves ends the writing at once.
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        if wrong := self._refusal(request):
            return _refused(wrong)
        first, last = MODELS[0]["id"], MODELS[-1]["id"]
        listed = {"data": MODELS, "has_more": False, "first_id": first, "last_id": last}
        return web.json_response(listed)

    def _refusal(self, request: web.Request) -> Refusal | None:
        self.account.asked.append(request.path)
        return self.account.refusal({name.lower(): told for name, told in request.headers.items()})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if wrong := self._refusal(request):
            return _refused(wrong)
        body = await request.json()
        number = len(self.requests) + 1
        seen = Request(
            number,
            now_ms(),
            asked=_said_by_user(body["messages"]),
            last=_said_by_user(body["messages"][-1:], only_last=True),
            reply=self._reply(number),
            streamed=bool(body.get("stream")),
            input_tokens=len(json.dumps(body["messages"])) // CHARS_PER_TOKEN,
        )
        self.requests.append(seen)
        answer = self._answer_to(seen) if self._answer_to else Answer(seen.reply)
        seen.reply = answer.text
        try:
            return await self._answer(request, seen, body["model"], answer)
        except ConnectionResetError:
            seen.cancelled = True
            return web.Response()
        except asyncio.CancelledError:
            seen.cancelled = True
            raise

    async def _answer(
        self, request: web.Request, seen: Request, model: str, answer: Answer
    ) -> web.StreamResponse:
        if answer.wrong is Wrong.FAILS:
            error = {"type": "api_error", "message": "Internal server error"}
            return web.json_response({"type": "error", "error": error}, status=500)
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
            if answer.wrong is not Wrong.NOTHING and number == answer.after_tokens:
                if answer.wrong is Wrong.GARBLED:
                    await response.write(b'event: content_block_delta\ndata: {"type": "cont\n\n')
                await self._go_wrong(request, answer.wrong)
            delta = {"type": "text_delta", "text": token}
            await stream.say("content_block_delta", index=0, delta=delta)
            seen.tokens += 1
            seen.first_ms = seen.first_ms or now_ms()
        await stream.say("content_block_stop", index=0)
        for index, (name, arguments) in enumerate(answer.tools, start=1):
            await self._call(stream, seen, index, name, arguments)
        reason = "tool_use" if answer.tools else "end_turn"
        end = {"stop_reason": reason, "stop_sequence": None}
        await stream.say("message_delta", delta=end, usage={"output_tokens": seen.tokens})
        await stream.say("message_stop")
        await response.write_eof()
        return response

    async def _go_wrong(self, request: web.Request, wrong: Wrong) -> None:
        if wrong is Wrong.STALLS:
            # The client leaves one day, which ends this.
            await asyncio.Event().wait()
        if request.transport:
            request.transport.abort()
        # It is cancelled, as by a client that has left.
        await asyncio.Event().wait()

    async def _call(
        self,
        stream: _Stream,
        seen: Request,
        index: int,
        name: str,
        arguments: dict[str, Any] | str,
    ) -> None:
        call = f"call_{seen.number}_{index}"
        block = {"type": "tool_use", "id": call, "name": name, "input": {}}
        await stream.say("content_block_start", index=index, content_block=block)
        told = arguments if isinstance(arguments, str) else json.dumps(arguments)
        for piece in (told[:3], told[3:]):
            delta = {"type": "input_json_delta", "partial_json": piece}
            await stream.say("content_block_delta", index=index, delta=delta)
        await stream.say("content_block_stop", index=index)


@dataclass(slots=True)
class _Stream:
    """Server-sent events."""

    response: web.StreamResponse

    async def say(self, kind: str, **fields: Any) -> None:
        data = json.dumps({"type": kind, **fields})
        await self.response.write(f"event: {kind}\ndata: {data}\n\n".encode())


def _refused(wrong: Refusal) -> web.Response:
    return web.json_response(wrong.body, status=wrong.status, headers=wrong.headers)


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


def _said_by_user(messages: list[dict[str, Any]], *, only_last: bool = False) -> str:
    said: list[str] = []
    for message in messages:
        if message["role"] != "user":
            continue
        content = message["content"]
        parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
        said.extend(parts[-1:] if only_last else parts)
    return " ".join(said).strip()
