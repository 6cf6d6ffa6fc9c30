"""Daily's REST API, as far as a room for one conversation needs it: rooms and meeting tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp

from bargein.transports.daily.errors import DailyError

REQUEST_S = 8.0
TRIES = 4
"""A request that Daily is too busy for is sent again, after 0.5, 1 and 2 s."""
FIRST_PAUSE_S = 0.5
OK = 200
BAD_REQUEST, REFUSED, NOT_FOUND, TOO_MANY, SERVERS_FAULT = 400, 401, 404, 429, 500
BOT_USER_ID = "bargein-bot"
"""Of the bot's token: by it the page knows the bot among the participants."""
MOST_PARTICIPANTS = 3
"""The bot, its visitor, and one more who is told that the room is taken, or who comes again
before Daily knows that he had left."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room that exists."""

    name: str
    url: str
    expires_s: int
    """Unix time."""


class Rest:
    """Talks with the API under one key; to be used with `async with`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
        request_s: float = REQUEST_S,
    ) -> None:
        """Take the API's address and the account's key, which is told to nobody else."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._first_pause_s = first_pause_s
        self._timeout = aiohttp.ClientTimeout(total=request_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Rest:
        """Open a connection."""
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._session:
            await self._session.close()

    async def create_room(self, name: str, *, expires_s: int) -> Room:
        """Make a private room without video that is void, and empty, from `expires_s` on.

        The name must be new: then one that is there after all was made by a request that failed.
        """
        properties = {
            "exp": expires_s,
            "eject_at_room_exp": True,
            "max_participants": MOST_PARTICIPANTS,
            "start_video_off": True,
            "enable_screenshare": False,
            "enable_chat": False,
            "enable_knocking": False,
        }
        body = {"name": name, "privacy": "private", "properties": properties}
        status, told = await self._tried("POST", "/rooms", body)
        if status == BAD_REQUEST:
            found, there = await self._once("GET", _path(name), None)
            status, told = (OK, there) if found == OK else (status, told)
        if status != OK:
            raise DailyError(_why(status, told, "POST rooms"))
        return Room(_text(told, "name"), _text(told, "url"), expires_s)

    async def bot_token(self, room: Room, *, name: str) -> str:
        """Give a token for the bot itself: it is no owner either."""
        return await self._token(room, {"user_name": name, "user_id": BOT_USER_ID})

    async def visitor_token(self, room: Room) -> str:
        """Give a token for whoever talks with the bot: audio and messages, nothing else."""
        permissions = {"canSend": ["audio"], "canAdmin": []}
        return await self._token(
            room,
            {"user_name": "visitor", "permissions": permissions, "enable_screenshare": False},
        )

    async def delete_room(self, name: str) -> None:
        """Delete it; a room that is gone, or never was, is as good."""
        status, told = await self._tried("DELETE", _path(name), None)
        if status not in (OK, NOT_FOUND):
            raise DailyError(_why(status, told, "DELETE rooms"))

    async def _token(self, room: Room, properties: Mapping[str, Any]) -> str:
        always = {
            "room_name": room.name,
            "exp": room.expires_s,
            "eject_at_token_exp": True,
            "is_owner": False,
            "start_video_off": True,
        }
        body = {"properties": {**always, **properties}}
        status, told = await self._tried("POST", "/meeting-tokens", body)
        if status != OK:
            raise DailyError(_why(status, told, "POST meeting-tokens"))
        return _text(told, "token")

    async def _tried(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, Any]]:
        """Ask, and again where Daily is too busy or broken; gives the last answer."""
        pause_s = self._first_pause_s
        for _ in range(TRIES - 1):
            status, told = await self._once(method, path, body)
            if status != TOO_MANY and status < SERVERS_FAULT:
                return status, told
            await asyncio.sleep(pause_s)
            pause_s *= 2
        return await self._once(method, path, body)

    async def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, Any]]:
        assert self._session is not None, "use it with `async with`"
        try:
            async with self._session.request(method, self._url + path, json=body) as answer:
                return answer.status, _object(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or f"no answer in {self._timeout.total:.0f} s"
            raise DailyError(
                f"Daily's API at {self._url} can't be reached ({reason}). Check the network."
            ) from error


def _path(name: str) -> str:
    return f"/rooms/{quote(name, safe='')}"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, no text, or made to be no JSON
        return {}
    return value if isinstance(value, dict) else {}


def _text(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value:
        raise DailyError(f"Daily's API answered without {key!r}; is transport.api_url Daily's?")
    return value


def _why(status: int, told: Mapping[str, Any], what: str) -> str:
    """One sentence for what the API says."""
    said = str(told.get("info") or told.get("error") or f"HTTP {status}")[:200]
    match status:
        case _ if status == REFUSED or told.get("error") == "authorization-header-error":
            return (
                f"Daily refuses the key ({said}). "
                "Set DAILY_API_KEY to the one under Developers in Daily's dashboard."
            )
        case _ if status == TOO_MANY:
            return f"Daily is asked too often ({said}), {TRIES} times in a row. Try again later."
        case _ if status >= SERVERS_FAULT:
            return f"Daily's API fails ({said}), {TRIES} times in a row. Try again later."
        case _ if status == NOT_FOUND:
            return f"The room at Daily is gone ({said}). Run the command again for a new one."
        case _:
            return f"Daily refuses {what} ({said}). The account may lack a plan or a card for it."
