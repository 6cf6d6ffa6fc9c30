"""Offers: from whom, how large, how many, and what becomes of one that leads nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="the extra `rtvi` is not installed")

from aiortc import RTCConfiguration, RTCPeerConnection

from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.rtvi.routes import Offer, RtviRoutes
from tests.room.conftest import Open, open_room
from tests.rtvi.phone import Phone, post

__all__ = ["open_room"]
pytestmark = [pytest.mark.pipeline]

RTVI = "transport: {rtvi: true, max_sessions: 1}\n"
GARBAGE = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio what\r\n"


@pytest.fixture
async def address(open_room: Open) -> str:
    """Where a room for one client is."""
    return (await open_room(RTVI)).url.replace("ws://", "http://").removesuffix("/ws")


@pytest.fixture
async def offer() -> AsyncIterator[str]:
    """An honest offer."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio")
    connection.createDataChannel("chat")
    await connection.setLocalDescription(await connection.createOffer())
    yield connection.localDescription.sdp
    await connection.close()


def body(sdp: str, **more: object) -> dict[str, Any]:
    return {"sdp": sdp, "type": "offer", **more}


async def test_a_start_names_a_session_and_no_server_of_anybody_elses(address: str) -> None:
    status, started = await post(f"{address}/start", {"enableDefaultIceServers": True})
    assert status == 200
    assert len(started["sessionId"]) > 16
    assert started["iceConfig"] == {"iceServers": []}


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        ([], 400, "body"),
        ({"sdp": "", "type": "answer"}, 400, "type: "),
        ({"type": "offer"}, 400, "sdp: "),
        (body("hello"), 400, "the offer"),
        (body(GARBAGE), 400, "the offer can't be answered"),
        (body("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"), 400, "no audio"),
        (body("a=candidate:1\r\n" * 33), 400, "at most 32 candidates"),
        (body("x" * 70_000), 413, "at most 65536 bytes"),
        (body("v=0", pc_id="guessed"), 404, "that call is over"),
    ],
)
async def test_a_bad_offer_is_refused_and_takes_no_seat(
    address: str, value: object, status: int, reason: str
) -> None:
    given, said = await post(f"{address}/api/offer", value)
    assert given == status
    assert reason in said["detail"]
    assert (await post(f"{address}/start", {}))[0] == 200


@pytest.mark.parametrize("path", ["start", "api/offer", "sessions/x/api/offer"])
async def test_a_page_of_another_origin_may_not_connect(address: str, path: str) -> None:
    status, _ = await post(f"{address}/{path}", {}, Origin="https://evil.example")
    assert status == 403


async def test_a_page_that_is_listed_may_connect(open_room: Open) -> None:
    room = await open_room(RTVI, settings=("transport.allowed_origins=[https://shop.example]",))
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    assert (await post(f"{address}/start", {}, Origin="https://shop.example"))[0] == 200


async def test_an_offer_that_leads_to_no_connection_gives_its_seat_back(
    address: str, offer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.transports.rtvi.call.CONNECT_S", 0.3)
    assert (await post(f"{address}/sessions/abc/api/offer", body(offer)))[0] == 200
    assert (await post(f"{address}/api/offer", body(offer)))[0] == 429
    await until_free(address)


async def test_a_client_that_hangs_up_gives_its_seat_back(address: str) -> None:
    async with Phone(address) as phone:
        status, said = await phone.offer(phone.pc.localDescription.sdp)
        assert (status, "full" in said["detail"]) == (429, True)
        assert (await post(f"{address}/start", {}))[0] == 429
    await until_free(address)


async def test_a_call_can_be_negotiated_again_by_who_has_its_id(address: str) -> None:
    async with Phone(address) as phone:
        sdp = phone.pc.localDescription.sdp
        status, answer = await phone.offer(sdp, pc_id=phone.id)
        assert (status, answer["pc_id"]) == (200, phone.id)
        assert (await phone.offer(sdp, pc_id=phone.id, restart_pc=True))[0] == 404


async def until_free(address: str) -> None:
    """Wait until the room takes a client again."""
    async with asyncio.timeout(10):
        while (await post(f"{address}/start", {}))[0] != 200:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)


async def test_an_offer_whose_sender_is_gone_before_the_answer_is_closed(offer: str) -> None:
    async def serve(*_: object) -> None:
        raise AssertionError("nobody is there to be served")

    seats = Seats(1)
    routes = RtviRoutes(LocalRoom(rtvi=True), seats, serve)
    asking = asyncio.create_task(routes._open(Offer(sdp=offer, type="offer")))
    await asyncio.sleep(0)
    ((call, running),) = routes._calls.running.items()
    asking.cancel()
    await asyncio.wait_for(running, 5)
    assert call.link.closed.is_set()
    assert seats.taken == 0
