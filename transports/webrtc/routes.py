"""The HTTP side: what the page is told about the way, and offers with their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, ConfigDict, Field

from bargein.errors import ProtocolError
from bargein.transports.local.body import MAX_BODY_BYTES, read_body
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.origin import may_connect
from bargein.transports.local.refusals import Refusals
from bargein.transports.local.seated_call import SeatedCalls
from bargein.transports.local.seats import Seats
from bargein.transports.local.server import TRANSPORT
from bargein.transports.webrtc.call import Call
from bargein.transports.webrtc.room import WebrtcRoom

OFFER = "/webrtc"
MOST_CANDIDATES = 32
"""Each is an address to which this server would send; a machine has a handful."""


class Offer(BaseModel):
    """What a browser sends to connect."""

    model_config = ConfigDict(extra="ignore")

    sdp: Annotated[str, Field(max_length=MAX_BODY_BYTES)]
    type: Literal["offer"]


class WebrtcRoutes:
    """Answers browsers, and lets them join their conversations."""

    def __init__(self, room: WebrtcRoom, seats: Seats, conversations: Conversations) -> None:
        """Share the room's seats and conversations."""
        self._room = room
        self._conversations = conversations
        self._calls: SeatedCalls[Call] = SeatedCalls(seats, lent=True)
        self._refusals = Refusals()

    def add_to(self, app: FastAPI) -> None:
        """Add the paths to an application."""
        app.get(TRANSPORT)(self._tell)
        app.post(OFFER)(self._offer)
        if self._room.allowed_origins:
            app.add_middleware(
                CORSMiddleware,
                allow_origins=sorted(self._room.allowed_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["content-type"],
            )

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """End all calls when the server stops."""
        yield
        await self._calls.end()

    async def _tell(self, request: Request) -> dict[str, Any]:
        """Tell the page how to connect; the credentials are for the room's own pages."""
        self._check_origin(request)
        servers = [each.model_dump(exclude_none=True) for each in self._room.ice]
        return {"use": "webrtc", "offer": OFFER, "iceServers": servers}

    async def _offer(self, request: Request) -> dict[str, str]:
        with self._refusals.told():
            return {"sdp": await self._answer(request), "type": "answer"}

    async def _answer(self, request: Request) -> str:
        self._check_origin(request)
        offer = await read_body(request, Offer)
        if offer.sdp.count("a=candidate:") > MOST_CANDIDATES:
            raise HTTPException(400, f"an offer has at most {MOST_CANDIDATES} candidates")
        call = Call(self._room)
        call.link.peer = request.client.host if request.client else ""
        try:
            return await self._calls.open(call, offer.sdp, partial(call.run, self._conversations))
        except ProtocolError as error:
            raise HTTPException(429 if error.code == "room_full" else 400, str(error)) from error

    def _check_origin(self, request: Request) -> None:
        if not may_connect(request, self._room.allowed_origins):
            raise HTTPException(403, "this page may not connect")
