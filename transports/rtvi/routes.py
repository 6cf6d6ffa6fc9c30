"""The HTTP side of RTVI clients: `/start`, offers and answers, late candidates, and the page.

The paths are those that Pipecat's own clients ask for. A call is known by the id that its
answer carried, which nobody can guess: only who has it may negotiate again.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, ConfigDict, Field

from bargein.errors import ProtocolError
from bargein.transports.local.body import MAX_BODY_BYTES, read_body
from bargein.transports.local.origin import may_connect
from bargein.transports.local.refusals import Refusals
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seated_call import SeatedCalls
from bargein.transports.local.seats import Seats
from bargein.transports.rtvi.call import Call, Serve
from bargein.transports.rtvi.prebuilt import serve_page

MOST_CANDIDATES = 32
"""Each is an address to which this server would send; a machine has a handful."""
ANY_OFFER = ("/api/offer", "/sessions/{session}/api/offer")


class Offer(BaseModel):
    """What a client sends to connect, or to negotiate again."""

    model_config = ConfigDict(extra="ignore")

    sdp: Annotated[str, Field(max_length=MAX_BODY_BYTES)]
    type: Literal["offer"]
    pc_id: Annotated[str | None, Field(max_length=64)] = None
    restart_pc: bool | None = None


class Candidates(BaseModel):
    """Addresses that a client found after its offer; those in the offer do."""

    model_config = ConfigDict(extra="ignore")

    pc_id: Annotated[str, Field(max_length=64)]


class RtviRoutes:
    """Answers RTVI clients; each conversation is run by `serve`."""

    def __init__(self, room: LocalRoom, seats: Seats, serve: Serve) -> None:
        """Share the room's seats."""
        self._room = room
        self._seats = seats
        self._serve = serve
        self._calls: SeatedCalls[Call] = SeatedCalls(seats)
        self._refusals = Refusals()

    def add_to(self, app: FastAPI) -> None:
        """Add the paths to an application."""
        app.post("/start")(self._start)
        for path in ANY_OFFER:
            app.post(path)(self._offer)
            app.patch(path)(self._candidates)
        if self._room.allowed_origins:
            app.add_middleware(
                CORSMiddleware,
                allow_origins=sorted(self._room.allowed_origins),
                allow_methods=["POST", "PATCH"],
                allow_headers=["content-type"],
            )
        serve_page(app)

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """End all calls when the server stops."""
        yield
        await self._calls.end()

    async def _start(self, request: Request) -> dict[str, object]:
        self._check_origin(request)
        if self._seats.taken >= self._seats.most:
            raise HTTPException(429, "this room is full")
        servers = [{"urls": url} for url in self._room.ice_servers]
        return {"sessionId": secrets.token_urlsafe(16), "iceConfig": {"iceServers": servers}}

    async def _offer(self, request: Request) -> dict[str, str]:
        with self._refusals.told():
            call_id, sdp = await self._answer(request)
        return {"sdp": sdp, "type": "answer", "pc_id": call_id}

    async def _answer(self, request: Request) -> tuple[str, str]:
        self._check_origin(request)
        offer = await read_body(request, Offer)
        if offer.sdp.count("a=candidate:") > MOST_CANDIDATES:
            raise HTTPException(400, f"an offer has at most {MOST_CANDIDATES} candidates")
        try:
            call = self._known(offer) if offer.pc_id else None
            return await (self._again(call, offer) if call else self._open(offer, _host(request)))
        except ProtocolError as error:
            raise HTTPException(429 if error.code == "room_full" else 400, str(error)) from error

    async def _candidates(self, request: Request) -> dict[str, str]:
        self._check_origin(request)
        given = await read_body(request, Candidates)
        if self._of_id(given.pc_id) is None:
            raise HTTPException(404, "there is no such call")
        return {"status": "success"}

    def _known(self, offer: Offer) -> Call:
        call = self._of_id(offer.pc_id)
        if offer.restart_pc or call is None:
            raise HTTPException(404, "that call is over; connect anew")
        return call

    def _of_id(self, call_id: str | None) -> Call | None:
        return next((call for call in self._calls.running if call.id == call_id), None)

    async def _again(self, call: Call, offer: Offer) -> tuple[str, str]:
        return call.id, await call.answer(offer.sdp)

    async def _open(self, offer: Offer, peer: str = "") -> tuple[str, str]:
        """Take a seat and answer; the call then runs in a task of its own."""
        call = Call(sample_rate_hz=self._room.sample_rate_hz, ice_servers=self._room.ice_servers)
        call.link.peer = peer
        return call.id, await self._calls.open(call, offer.sdp, lambda _seat: call.run(self._serve))

    def _check_origin(self, request: Request) -> None:
        if not may_connect(request, self._room.allowed_origins):
            raise HTTPException(403, "this page may not connect")


def _host(request: Request) -> str:
    return request.client.host if request.client else ""
