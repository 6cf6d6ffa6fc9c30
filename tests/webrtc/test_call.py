"""Data channels before the real server: what is lost, what is asked for, who may connect."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

pytest.importorskip("aiortc", reason="the extra `webrtc` is not installed")

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcsctptransport import RTCSctpTransport

from bargein.packet import Flag, Kind, Packet
from bargein.pipelines.audit import read_audit
from bargein.protocol import (
    MICROPHONE_RATE_HZ,
    WINDOW_SAMPLES,
    Capabilities,
    Error,
    Hello,
    Ping,
    Pong,
    Resume,
    Welcome,
)
from bargein.transports.webrtc.call import CONNECT_S
from tests.room.conftest import Open, open_room
from tests.rtvi.phone import post
from tests.webrtc.browserless import Browserless

__all__ = ["open_room"]
pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

WEBRTC = "transport: {use: webrtc, max_sessions: 1}\n"
GREETING = "Good morning."
VOICE = b"\x10\x00" * WINDOW_SAMPLES


@pytest.fixture
async def address(open_room: Open) -> str:
    """Where a room for one browser is."""
    room = await open_room(f"{WEBRTC}greeting: {GREETING!r}")
    return room.url.replace("ws://", "http://").removesuffix("/ws")


async def greeted(page: Browserless) -> list[Packet]:
    """Let the microphone be heard until the greeting is here; gives its packets."""
    await page.greet()
    page.window(VOICE)
    await page.until(lambda: any(Flag.LAST in each.flags for each in page.packets))
    return list(page.packets)


def missing(of: Packet) -> bytes:
    """The question for this packet."""
    count = of.samples.to_bytes(4, "little")
    return Packet(Kind.MISSING, of.epoch, of.utterance, of.start_sample, count).pack()


async def test_a_page_is_greeted_and_gets_again_what_it_asks_for_once(address: str) -> None:
    async with Browserless(address) as page:
        packets = await greeted(page)
        lost = packets[-3]
        page.audio.send(missing(lost))
        await page.until(lambda: page.packets.count(lost) == 2)
        page.audio.send(missing(lost))
        page.say(Ping(epoch=1))
        await page.next(Pong)
        assert page.packets.count(lost) == 2


async def test_the_end_of_an_utterance_comes_over_the_reliable_channel_too(address: str) -> None:
    async with Browserless(address) as page:
        await greeted(page)
        await page.until(lambda: sum(Flag.LAST in each.flags for each in page.packets) == 2)
        ends = [each for each in page.packets if Flag.LAST in each.flags]
        assert (
            sorted(each.start_sample + each.samples for each in ends)
            == [ends[0].start_sample + ends[0].samples] * 2
        )
        assert min(each.samples for each in ends) == 0


async def test_the_pipeline_hears_a_microphone_without_holes(
    open_room: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Packet] = []

    def keep(self: object, samples: int, now_ms: float) -> None:
        heard.append(Packet(Kind.MICROPHONE, 0, 0, 0, bytes(2 * samples)))

    monkeypatch.setattr("bargein.uplink.UplinkRate.take", keep)
    room = await open_room(WEBRTC)
    async with Browserless(room.url.replace("ws://", "http://").removesuffix("/ws")) as page:
        await page.greet()
        for number in range(12):
            page.window(VOICE, lose=number == 5)
            await asyncio.sleep(WINDOW_SAMPLES / MICROPHONE_RATE_HZ)
        async with asyncio.timeout(5):
            while sum(each.samples for each in heard) < 12 * WINDOW_SAMPLES:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert len(heard) == 12


async def test_what_a_page_is_told_of_the_way(
    open_room: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSH", "hush")
    servers = 'ice_servers: [{urls: "turn:turn.example.org", username: u, credential: "${HUSH}"}]'
    room = await open_room(f"transport: {{use: webrtc, {servers}}}\n")
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    assert await told(address) == {
        "use": "webrtc",
        "offer": "/webrtc",
        "iceServers": [
            {"urls": "turn:turn.example.org", "username": "u", "credential": "hush"},
        ],
    }


async def test_a_room_without_webrtc_offers_the_websocket(open_room: Open) -> None:
    room = await open_room()
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    assert await told(address) == {"use": "websocket"}


async def test_a_full_room_a_strange_page_and_nonsense_are_refused(address: str) -> None:
    async with Browserless(address):
        offer = await honest_offer()
        status, answer = await post(f"{address}/webrtc", {"sdp": offer, "type": "offer"})
        assert (status, "full" in answer["detail"]) == (429, True)
        origin = {"origin": "https://elsewhere.example"}
        status, _ = await post(f"{address}/webrtc", {"sdp": offer, "type": "offer"}, **origin)
        assert status == 403
    status, _ = await post(f"{address}/webrtc", {"sdp": "what", "type": "answer"})
    assert status == 400


async def test_a_page_that_says_no_hello_is_sent_away(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.transports.local.server.HELLO_S", 0.3)
    async with Browserless(address) as page:
        error = await page.next(Error)
        assert (error.code, error.final) == ("no_hello", True)
        await asyncio.wait_for(page.over.wait(), 10)


async def test_a_page_that_falls_silent_is_given_up_and_its_seat_is_free(
    open_room: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.transports.webrtc.call.LOST_S", 1.0)
    room = await open_room(WEBRTC, settings=("transport.grace_s=0",))
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    async with Browserless(address) as page:
        await page.greet()
        await asyncio.wait_for(page.over.wait(), 10)
    async with Browserless(address) as page:
        await page.greet()


async def test_one_that_was_lost_comes_back_to_its_seat_in_a_full_room_and_a_stranger_does_not(
    address: str,
) -> None:
    async with Browserless(address) as page:
        welcome = await page.greet()
        page.window(VOICE)
        await page.until(lambda: len(page.packets) > 0)
    await refused_at_hello(address)
    async with Browserless(address) as page:
        resume = Resume(session=welcome.session, key=welcome.key)
        page.say(Hello(capabilities=Capabilities(exact_playout=True), resume=resume))
        again = await page.next(Welcome)
        assert (again.session, again.epoch) == (welcome.session, 2)


async def refused_at_hello(address: str) -> None:
    """A stranger is let in as far as the hello, as soon as the loss of another one is known."""
    async with asyncio.timeout(15):
        while True:
            stranger = Browserless(address)
            try:
                await stranger.__aenter__()
            except AssertionError:  # the offer itself is refused
                await stranger.connection.close()
                await asyncio.sleep(0.1)
                continue
            stranger.say(Hello())
            assert (await stranger.next(Error)).code == "room_full"
            await stranger.connection.close()
            return


async def test_a_third_channel_is_refused(address: str) -> None:
    async with Browserless(address) as page:
        await page.greet()
        third = page.connection.createDataChannel("control")
        closed = asyncio.Event()
        third.on("close", closed.set)
        await asyncio.wait_for(closed.wait(), 10)


async def test_the_congestion_window_is_where_the_floor_expects_it() -> None:
    assert "_cwnd" in RTCSctpTransport.__init__.__code__.co_names
    assert "_cwnd" in RTCSctpTransport._transmit.__code__.co_names


async def told(address: str) -> object:
    """What the page is told."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}/transport") as got:
        return await got.json()


async def honest_offer() -> str:
    """An offer of two data channels."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("control")
    connection.createDataChannel("audio")
    await connection.setLocalDescription(await connection.createOffer())
    sdp: str = connection.localDescription.sdp
    await connection.close()
    return sdp


async def test_a_server_that_stops_does_not_wait_for_a_page_that_has_not_connected(
    open_room: Open,
) -> None:
    room = await open_room(WEBRTC)
    address = room.url.replace("ws://", "http://").removesuffix("/ws")
    offer = {"sdp": await honest_offer(), "type": "offer"}
    assert (await post(f"{address}/webrtc", offer))[0] == 200
    began_s = time.monotonic()
    await room.close()
    assert time.monotonic() - began_s < CONNECT_S / 2


async def test_who_calls_over_webrtc_is_known_by_the_address_of_the_offer(
    open_room: Open, tmp_path: Path
) -> None:
    room = await open_room(
        f"{WEBRTC}budget: {{session: {{minutes: 0.02}}, at_limit: ''}}\n"
        "tool_rules: {audit: audit.jsonl}\n"
    )
    async with Browserless(room.url.replace("ws://", "http://").removesuffix("/ws")) as page:
        await page.greet()
        error = await page.next(Error)
        assert (error.code, error.final) == ("budget", True)
    (line,) = read_audit(tmp_path / "audit.jsonl", {}).lines
    assert line.entry.identity == "127.0.0.1"
