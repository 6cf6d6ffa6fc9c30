"""Around the API: sizes, times and rates are bounded, and whatever fails is told as a problem."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

from loguru import logger
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bargein.control.limits import Limits, Rate, peer_of
from bargein.control.problem import (
    BROKEN,
    MEDIA_TYPE,
    NOT_JSON,
    TIMEOUT,
    TOO_LARGE,
    TOO_MANY,
    Problem,
)
from bargein.processors.clock import monotonic_ms

MAX_BODY_BYTES = 16_384
BODY_S = 5.0
"""The body is there by then."""
ANSWER_S = 15.0
"""The answer was made and taken by then."""
ALL_REQUESTS = Rate(burst=60, per_s=20)
"""Of one peer, to whatever path."""
WITH_BODY = ("POST", "PUT", "PATCH")


class RefusedError(Exception):
    """The request is answered with a problem."""

    def __init__(self, problem: Problem, **headers: str) -> None:
        """Keep what to say; `Retry_After` is a header's name."""
        super().__init__(problem.code)
        self.problem = problem
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Shield:
    """An ASGI application around another one."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: dict[str, str],
        rate: Rate = ALL_REQUESTS,
        clock_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """Put `headers` on every answer."""
        self._app, self._clock_ms, self._limits = app, clock_ms, Limits(rate)
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._headers)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._answer(scope, receive, answer)
        except RefusedError as refused:
            await answer.refuse(refused.problem, refused.headers)
        except TimeoutError:
            await answer.refuse(TIMEOUT)
        except Exception:
            logger.exception("a request could not be answered")
            await answer.refuse(BROKEN)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        client = scope.get("client")
        peer = peer_of(client[0] if client else None)
        refuse_if_too_many(self._limits.take(peer, self._clock_ms()))
        headers = dict(scope["headers"])
        told = headers.get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MAX_BODY_BYTES:
            raise RefusedError(TOO_LARGE, Connection="close")
        body = await _read(receive)
        is_json = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if (body or scope["method"] in WITH_BODY) and is_json != b"application/json":
            raise RefusedError(NOT_JSON)
        await self._app(scope, _replay(body, receive), answer.send)


def refuse_if_too_many(wait_s: float) -> None:
    """Refuse a peer that has to wait so long."""
    if wait_s > 0:
        raise RefusedError(TOO_MANY, Retry_After=str(math.ceil(wait_s)))


class _Answer:
    """What was sent already of an answer."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send, self._headers, self._has_begun = send, headers, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)

    async def refuse(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        if self._has_begun:
            return
        body = json.dumps(problem.body()).encode()
        fields: dict[str, Any] = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            **(headers or {}),
        }
        raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        start = {"type": "http.response.start", "status": problem.status, "headers": raw}
        await self.send(start)
        await self._send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    """Read the body, in bounded time and of bounded size."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise RefusedError(TOO_LARGE, Connection="close")
                if message["type"] != "http.request" or not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise RefusedError(TIMEOUT, Connection="close") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, and then what really comes: the end of the connection."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
