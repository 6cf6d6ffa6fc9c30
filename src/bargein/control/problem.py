"""What an HTTP API answers when it refuses: `application/problem+json`, RFC 9457.

The texts are constant: nothing of a request, of a key or of the inside is quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of refusal."""

    status: int
    code: str
    title: str
    detail: str
    """What is wrong, and the way out."""

    def body(self, **more: Any) -> dict[str, Any]:
        """Write it as JSON has it; `code` is for programs."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **more,
        }


BAD_REQUEST = Problem(400, "bad_request", "Bad Request", "The request can't be read as JSON.")
UNAUTHORIZED = Problem(
    401, "unauthorized", "Unauthorized", "Send an operator's key: `Authorization: Bearer ...`."
)
FORBIDDEN = Problem(403, "forbidden", "Forbidden", "This page may not ask here.")
NOT_FOUND = Problem(404, "not_found", "Not Found", "There is nothing of this name.")
WRONG_METHOD = Problem(
    405, "method_not_allowed", "Method Not Allowed", "See /openapi.json for what can be asked."
)
TIMEOUT = Problem(408, "timeout", "Request Timeout", "The request did not arrive in time.")
NAME_TAKEN = Problem(409, "name_taken", "Conflict", "The room is there already. Name another.")
NOT_JOINABLE = Problem(
    409, "not_joinable", "Conflict", "This session is being talked in, or it is over."
)
TOO_LARGE = Problem(413, "too_large", "Content Too Large", "A request has at most 16 KB.")
NOT_JSON = Problem(
    415, "not_json", "Unsupported Media Type", "Send JSON, as `Content-Type: application/json`."
)
INVALID = Problem(
    422, "invalid", "Unprocessable Content", "The request does not fit; `errors` says where."
)
UNKNOWN_BOT = Problem(
    422, "unknown_bot", "Unprocessable Content", "No bot of this name is served here."
)
TOO_MANY = Problem(429, "too_many", "Too Many Requests", "Ask again after `Retry-After` seconds.")
BROKEN = Problem(500, "broken", "Internal Server Error", "This server failed; its log says why.")
NO_PLACE = Problem(
    503, "no_place", "Service Unavailable", "No worker can take a session now. Ask again soon."
)
STATUS = {
    each.status: each
    for each in (BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, WRONG_METHOD, TIMEOUT,
                 TOO_LARGE, NOT_JSON, INVALID, TOO_MANY, BROKEN, NO_PLACE)
}  # fmt: skip
"""What stands for a status that a framework chose."""


def of_status(status: int) -> Problem:
    """Give what to say for any status."""
    return STATUS.get(status) or (BAD_REQUEST if status < BROKEN.status else BROKEN)
