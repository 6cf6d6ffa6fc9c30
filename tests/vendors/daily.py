"""Daily's REST API, on this machine: rooms, meeting tokens, and what it refuses with."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "key-of-an-account"
REFUSED = {"error": "authentication-error"}
BUSY = {"error": "rate-limit-error"}
BROKEN = {"error": "server-error"}


@dataclass
class Daily:
    """An account: its rooms, the tokens it gave, and the answers it will give instead."""

    url: str = ""
    rooms: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    instead: list[int] = field(default_factory=list)
    """Statuses of the next answers, in order; nothing is done then."""
    broken_behind: int = 0
    """So many of the next requests are done, and answered with 503 all the same."""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the real one does."""
        self.asked.append(f"{request.method} {request.path}")
        if "Authorization" not in request.headers:
            return web.json_response({"error": "authorization-header-error"}, status=400)
        if request.headers["Authorization"] != f"Bearer {KEY}":
            return web.json_response(REFUSED, status=401)
        if self.broken_behind:
            self.broken_behind -= 1
            self._make_room(await request.json())
            return web.json_response(BROKEN, status=503)
        if self.instead:
            status = self.instead.pop(0)
            return web.json_response(BUSY if status == 429 else BROKEN, status=status)
        match request.method, request.path.split("/")[1:]:
            case "POST", ["rooms"]:
                return self._make_room(await request.json())
            case "POST", ["meeting-tokens"]:
                return self._give_token(await request.json())
            case "GET", ["rooms", name] if name in self.rooms:
                return web.json_response(self.rooms[name])
            case "DELETE", ["rooms", name]:
                return self._delete(name)
        return web.json_response({"error": "not-found"}, status=404)

    def _make_room(self, asked: dict[str, Any]) -> web.Response:
        name = asked["name"]
        if name in self.rooms:
            info = f"a room named {name} already exists"
            return web.json_response({"error": "invalid-request-error", "info": info}, status=400)
        room = {
            "name": name,
            "url": f"https://test.daily.co/{name}",
            "privacy": asked["privacy"],
            "config": asked["properties"],
        }
        self.rooms[name] = room
        return web.json_response(room)

    def _give_token(self, asked: dict[str, Any]) -> web.Response:
        properties = asked["properties"]
        if properties.get("room_name") not in self.rooms:
            return web.json_response(
                {"error": "invalid-request-error", "info": "no such room"}, status=400
            )
        token = secrets.token_urlsafe(24)
        self.tokens[token] = properties
        return web.json_response({"token": token})

    def _delete(self, name: str) -> web.Response:
        if self.rooms.pop(name, None) is None:
            return web.json_response({"error": "not-found"}, status=404)
        self.deleted.append(name)
        return web.json_response({"deleted": True, "name": name})


@asynccontextmanager
async def serving_daily() -> AsyncIterator[Daily]:
    """Serve an account's API on a free port."""
    daily = Daily()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", daily.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    daily.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield daily
    finally:
        await runner.cleanup()
