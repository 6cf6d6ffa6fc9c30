"""The door of a vendor's server: whose key is good, what is refused, and the lists one may read."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

KEY_HEADERS = ("authorization", "x-api-key", "xi-api-key")
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a request gets in place of its answer."""

    status: int
    retry_after_s: float | None = None
    says: str = ""
    """The vendor's own word, where the status does not tell all."""

    @property
    def headers(self) -> dict[str, str]:
        """Beside the body."""
        return {} if self.retry_after_s is None else {"retry-after": f"{self.retry_after_s:g}"}

    @property
    def body(self) -> dict[str, Any]:
        """An error as each of the vendors would read it."""
        message = self.says or f"refused with {self.status}"
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = self.says or kinds.get(self.status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": message},
            "err_code": self.says or "REFUSED",
            "err_msg": message,
            "detail": {"status": self.says or "invalid_api_key", "message": message},
        }


@dataclass(slots=True)
class Account:
    """Stands before a server; `refusals` are what the next ones get, one after another."""

    lists: Mapping[str, Any] = field(default_factory=dict)
    """What a GET of a path gives."""
    key: str | None = None
    """The one that is good; None takes any."""
    refusals: deque[Refusal] = field(default_factory=deque)
    refused: int = 0
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""

    def refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        """Give what keeps a request out, and count it."""
        told = [headers[name].split()[-1] for name in KEY_HEADERS if headers.get(name)]
        wrong = Refusal(UNAUTHORIZED) if self.key is not None and self.key not in told else None
        wrong = wrong or (self.refusals.popleft() if self.refusals else None)
        self.refused += wrong is not None
        return wrong

    def answer(self, _: ServerConnection, request: Request) -> Response | None:
        """Answer what comes before a WebSocket's handshake; None lets it go on."""
        path = urlsplit(request.path).path
        self.asked.append(path)
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        if wrong := self.refusal(headers):
            return response(wrong.status, wrong.body, wrong.headers)
        return response(200, self.lists[path]) if path in self.lists else None


def response(status: int, body: Any, more: Mapping[str, str] | None = None) -> Response:
    """A whole answer in JSON."""
    told = json.dumps(body).encode()
    headers = Headers({"content-type": "application/json", **(more or {})})
    headers["content-length"] = str(len(told))
    headers["connection"] = "close"
    return Response(status, "Answer", headers, told)
