"""What an account of a vendor's may do, asked through the vendor's own package.

Nothing here costs tokens or characters.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bargein.processors.vendor import ANTHROPIC, DEEPGRAM, VENDORS, Access, without_keys

TIMEOUT_S = 5.0
"""Of one request."""
MOST_LISTED = 100
OK = 200
REFUSING = (401, 403)
UNREADABLE = (ValueError, TypeError, AttributeError)
"""What the vendors' packages raise where an answer is something else: a proxy's login page."""
NOT_ITSELF = "its answer is not of its kind: a proxy's or another server's?"
DEEPGRAMS_LIMIT = "sufficient permissions"
ANTHROPICS_LIMIT = "permission error"
ELEVENLABS_LIMIT = "missing permissions"
OPENAIS_LIMIT = "missing scopes"
"""Each vendor's words for a key that it knows, which may not do what was asked.

Their pages on errors have them; Deepgram, ElevenLabs and OpenAI say it with 401, too.
"""
ONCE: Any = {"max_retries": 0}

Names = list[str]
Ask = Callable[[], Awaitable[Names]]


class RefusedError(Exception):
    """The vendor does not take the key; the text is its status."""


class MayNotListError(Exception):
    """The vendor knows the key, which may not have this list."""


class UnreachableError(Exception):
    """The vendor did not answer, or not as it should; the text says how."""


async def nothing() -> Names:
    """There is no such list."""
    return []


@dataclass(frozen=True, slots=True)
class Account:
    """Questions to one vendor, which raise RefusedError, MayNotListError or UnreachableError."""

    try_key: Ask
    models: Ask
    voices: Ask = nothing
    tried_by: str = "models"
    """The list that the key is tried with."""


@asynccontextmanager
async def account(access: Access) -> AsyncIterator[Account]:
    """Connect with the vendor of a key."""
    if access.vendor is ANTHROPIC:
        async with _anthropic(access) as asked:
            yield asked
        return
    if access.vendor not in VENDORS:
        async with _openai(access) as asked:
            yield asked
        return
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as line:
        yield _deepgram(access, line) if access.vendor is DEEPGRAM else _elevenlabs(access, line)


@asynccontextmanager
async def _anthropic(access: Access) -> AsyncIterator[Account]:
    from anthropic import APIError, AsyncAnthropic

    async with AsyncAnthropic(
        api_key=access.key, base_url=access.url, timeout=TIMEOUT_S, max_retries=0
    ) as client:

        async def models() -> Names:
            return [model.id async for model in client.models.list(limit=MOST_LISTED)]

        asked = _plainly(models, APIError, ANTHROPICS_LIMIT)
        yield Account(asked, asked)


@asynccontextmanager
async def _openai(access: Access) -> AsyncIterator[Account]:
    """Connect with OpenAI, or a server that speaks as it does."""
    from openai import APIError, AsyncOpenAI

    async with AsyncOpenAI(
        api_key=access.key, base_url=access.url, timeout=TIMEOUT_S, max_retries=0
    ) as client:

        async def models() -> Names:
            return sorted([model.id async for model in client.models.list()])

        asked = _plainly(models, APIError, OPENAIS_LIMIT)
        yield Account(asked, asked)


def _deepgram(access: Access, line: httpx.AsyncClient) -> Account:
    from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
    from deepgram.core.api_error import ApiError

    addresses = {"base": access.http_url, "production": access.url, "agent": access.url}
    # Packages from 7.2 on want one more.
    if "agent_rest" in inspect.signature(DeepgramClientEnvironment).parameters:
        addresses["agent_rest"] = access.http_url
    environment = DeepgramClientEnvironment(**addresses)
    client = AsyncDeepgramClient(
        api_key=access.key, environment=environment, httpx_client=line
    ).manage.v1

    async def projects() -> Names:
        found = await client.projects.list(request_options=ONCE)
        return [each.name or "" for each in found.projects or []]

    async def models() -> Names:
        found = await client.models.list(request_options=ONCE)
        return sorted({each.canonical_name or "" for each in found.stt or [] if each.streaming})

    return Account(
        _plainly(projects, ApiError, DEEPGRAMS_LIMIT),
        _plainly(models, ApiError, DEEPGRAMS_LIMIT),
        tried_by="projects",
    )


def _elevenlabs(access: Access, line: httpx.AsyncClient) -> Account:
    from elevenlabs.client import AsyncElevenLabs
    from elevenlabs.core.api_error import ApiError

    client = AsyncElevenLabs(base_url=access.http_url, api_key=access.key, httpx_client=line)

    async def models() -> Names:
        found = await client.models.list(request_options=ONCE)
        return [each.model_id for each in found if each.can_do_text_to_speech]

    async def voices() -> Names:
        found = await client.voices.search(page_size=MOST_LISTED, request_options=ONCE)
        return [f"{each.name} ({each.voice_id})" for each in found.voices]

    asked = _plainly(models, ApiError, ELEVENLABS_LIMIT)
    return Account(asked, asked, _plainly(voices, ApiError, ELEVENLABS_LIMIT))


def _plainly(ask: Ask, failed: type[Exception], limit: str) -> Ask:
    """Say of what goes wrong whose fault it is; `limit` is the vendor's word of a limited key."""

    async def asked() -> Names:
        try:
            return await ask()
        except failed as error:
            status, body = getattr(error, "status_code", None), str(getattr(error, "body", ""))
            if status in REFUSING and limit in body.replace("_", " ").lower():
                raise MayNotListError from None
            if status in REFUSING:
                raise RefusedError(status) from None
            if status == OK:
                raise UnreachableError(NOT_ITSELF) from None
            said = f"it answered {status}" if status else _named(error)
            raise UnreachableError(said) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise UnreachableError(_named(error)) from None
        except UNREADABLE:
            raise UnreachableError(NOT_ITSELF) from None

    return asked


def _named(error: Exception) -> str:
    return without_keys(f"{type(error).__name__}: {error}".removesuffix(": "))
