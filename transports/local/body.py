"""The body of a request: JSON of bounded size, held against a model."""

from __future__ import annotations

from typing import TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

MAX_BODY_BYTES = 65_536
"""An honest WebRTC offer has some 8,000."""

T = TypeVar("T", bound=BaseModel)


async def read_body(request: Request, model: type[T]) -> T:
    """Read it; HTTP 413 if it is too large, 400 with the place if it does not fit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"a request has at most {MAX_BODY_BYTES} bytes")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise HTTPException(400, f"{where}: {first['msg']}") from error
