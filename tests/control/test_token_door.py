"""Who gets in at a worker's WebSocket, and how all others hear the same; two workers, one store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bargein.control.limits import Rate
from bargein.control.room import Room, Session, State, Worker
from bargein.control.token import Grant, mint
from bargein.control.token import Scope as TokenScope
from bargein.packet import MAX_PACKET_BYTES
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.patience import PatientProtocol
from bargein.pipelines.control.sqlite_store import SqliteStore
from bargein.pipelines.control.token_door import AUDIENCE, REFUSED, TokenDoor
from bargein.pipelines.control.turnstile import Turnstile
from bargein.pipelines.control.worker import worker_app
from bargein.protocol import Welcome
from bargein.transports.local.conversations import Conversations
from bargein.transports.local.kept_line import KeptLine
from bargein.transports.local.room import LocalRoom
from bargein.transports.local.seats import Seats
from bargein.transports.local.server import LocalServer
from bargein.transports.local.transport import LocalTransport
from tests.control.test_token import BAD, KEYS, NOW_S, OLD
from tests.control.test_token import signed as signed_by_hand

pytestmark = pytest.mark.slow  # a WebSocket for each token; all of them take seconds

BOUND_S = 10.0
BOTH = frozenset(TokenScope)
GRANT = Grant("t-1", "ann", "cafe", "s-1", "caller", BOTH, NOW_S - 10, NOW_S + 110)


async def greet(transport: LocalTransport, connection: KeptLine) -> None:
    """The bot of these tests: it says the session's name, and waits for the end."""
    known = transport.admitted
    name, bot = known.session_id or "", f"for {known.identity}"
    connection.send(Welcome(session=name, bot=bot, sample_rate_hz=24_000))
    with_client = asyncio.create_task(connection.receive())
    ended = asyncio.create_task(connection.closed.wait())
    await asyncio.wait([with_client, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in (with_client, ended):
        task.cancel()
    await asyncio.gather(with_client, ended, return_exceptions=True)


@dataclass
class House:
    """Two workers at one store, and what their log says."""

    doors: list[TokenDoor]
    urls: list[str]
    store: SqliteStore
    log: list[str]

    async def new_session(self, id_: str = "s-1", worker: int = 0, **change: Any) -> str:
        """Place a session at a worker, and give a token for it."""
        session = Session(id_, "cafe", "barista", "ann", NOW_S, NOW_S, State.WAITING,
                          f"w-{worker}", NOW_S + 120)  # fmt: skip
        await self.store.add_session(session)
        return token(id=f"t-{id_}", session=id_, **change)

    async def state(self, id_: str = "s-1") -> State:
        """Where the session stands."""
        found = await self.store.session(id_)
        assert found
        return found.state


def token(**change: Any) -> str:
    """Sign a token as the clerk does."""
    return mint(replace(GRANT, **change), KEYS, audience=AUDIENCE)


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[int]:
    """Serve as a worker does; gives the port."""
    config = uvicorn.Config(
        app, port=0, http=PatientProtocol, ws="websockets-sansio", log_level="error",
        lifespan="off", ws_max_size=MAX_PACKET_BYTES,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn offers no event)
        await asyncio.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, BOUND_S)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


@asynccontextmanager
async def open_house(path: Path) -> AsyncIterator[House]:
    store = SqliteStore(path / "house.db")
    await store.add_room(Room("cafe", "barista", NOW_S))
    doors = [TokenDoor(store, KeyRing(KEYS), f"w-{n}", now_s=lambda: NOW_S) for n in range(2)]
    apps = []
    for number, door in enumerate(doors):
        await store.beat(Worker(f"w-{number}", "ws://x", 8, 1))
        room = LocalRoom(allowed_origins=["https://shop.example"])
        seats = Seats(8)
        conversations = Conversations(room, seats, greet, door=door)
        apps.append(worker_app({"barista": LocalServer(room, seats, conversations)}))
    log: list[str] = []
    sink = logger.add(lambda line: log.append(str(line)), level="TRACE")
    async with running(apps[0]) as one, running(apps[1]) as two:
        urls = [f"ws://127.0.0.1:{port}/barista/ws" for port in (one, two)]
        yield House(doors, urls, store, log)
    logger.remove(sink)
    await store.close()


def hello(token: Any, **more: Any) -> str:
    """What a client says first."""
    return json.dumps({"type": "bargein/hello", "v": 1, "token": token, "protocol": 1, **more})


async def say(url: str, *said: str | bytes, **headers: str) -> dict[str, Any]:
    """Connect, say this, and give the first answer."""
    async with connect(url, additional_headers=headers) as socket:
        for each in said:
            await socket.send(each)
        return await answer_of(socket)


async def answer_of(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(BOUND_S):
        return dict(json.loads(await socket.recv()))


def is_refused(answer: dict[str, Any]) -> bool:
    """It is the one answer that all of them get."""
    told = {name: answer.get(name) for name in ("type", "code", "message", "final")}
    return told == {"type": "bargein/error", "code": REFUSED[0], "message": REFUSED[1],
                    "final": True}  # fmt: skip


async def until(holds: Callable[[], Any]) -> None:
    """Wait for it, in bounded time."""
    async with asyncio.timeout(BOUND_S):
        while True:
            found = holds()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


async def test_a_good_token_lets_in_and_the_session_has_the_name_it_was_given(house: House) -> None:
    good = await house.new_session()
    async with connect(house.urls[0]) as socket:
        await socket.send(hello(good))
        welcome = await answer_of(socket)
        assert (welcome["type"], welcome["session"]) == ("bargein/welcome", "s-1")
        assert welcome["bot"] == "for ann"
        assert await house.state() is State.TALKING
        assert house.doors[0].talking == 1
    await until(house.doors[0].empty.is_set)
    assert await house.state() is State.ENDED


async def test_a_token_is_good_once_at_one_worker(house: House) -> None:
    good = await house.new_session()
    assert is_refused(await say(house.urls[1], hello(good)))
    async with connect(house.urls[0]) as socket:
        await socket.send(hello(good))
        assert (await answer_of(socket))["type"] == "bargein/welcome"
        for url in house.urls:
            assert is_refused(await say(url, hello(good)))
        assert house.doors[0].talking == 1
    await until(house.doors[0].empty.is_set)
    assert is_refused(await say(house.urls[0], hello(good)))
    assert house.doors[0].refused == {"used": 2}
    assert house.doors[1].refused == {"session": 1, "used": 1}


async def test_of_twenty_who_bring_one_token_at_once_one_is_let_in(house: House) -> None:
    good = await house.new_session()
    tries = [say(house.urls[n % 2], hello(good)) for n in range(20)]
    answers = await asyncio.gather(*tries)
    assert sum(each["type"] == "bargein/welcome" for each in answers) == 1
    assert sum(map(is_refused, answers)) == 19


async def test_an_old_key_still_lets_in(house: House) -> None:
    await house.new_session()
    old = signed_by_hand({"aud": AUDIENCE, "jti": "t-old"}, key=OLD, kid="old")
    assert (await say(house.urls[0], hello(old)))["type"] == "bargein/welcome"


async def test_a_session_that_shall_end_is_told_and_hung_up(house: House) -> None:
    good = await house.new_session()
    async with connect(house.urls[0]) as socket:
        await socket.send(hello(good))
        await answer_of(socket)
        house.doors[0].hang_up("s-1")
        house.doors[0].hang_up("nobody")
        assert (await answer_of(socket))["code"] == "ended"
        with pytest.raises(ConnectionClosed):
            await answer_of(socket)
    await until(house.doors[0].empty.is_set)


async def test_a_worker_that_drains_lets_nobody_in_and_says_why_to_those_who_are(
    house: House,
) -> None:
    good, late = await house.new_session(), await house.new_session("s-2")
    async with connect(house.urls[0]) as socket:
        await socket.send(hello(good))
        await answer_of(socket)
        house.doors[0].is_draining = True
        assert is_refused(await say(house.urls[0], hello(late)))
        assert house.doors[0].talking == 1
        house.doors[0].hang_up_all()
        assert (await answer_of(socket))["code"] == "going_away"
    # It was not spent: another worker may take it.
    await house.store.place("s-2", "w-1", NOW_S + 120, NOW_S)
    assert (await say(house.urls[1], hello(late)))["type"] == "bargein/welcome"


async def test_without_its_store_a_worker_lets_nobody_in(house: House) -> None:
    good = await house.new_session()
    await house.store._change("DROP TABLE spent", ())
    assert is_refused(await say(house.urls[0], hello(good)))


async def test_whatever_is_wrong_with_a_token_the_answer_is_one(house: House) -> None:
    await house.new_session()
    for name, (make, _) in BAD.items():
        text = make().replace("voice.example", AUDIENCE)
        assert is_refused(await say(house.urls[0], hello(text[:4096]))), name
        assert len(text) < 20 or text[:200] not in "".join(house.log), name
    assert await house.state() is State.WAITING
    assert sum(house.doors[0].refused.values()) == len(BAD)


FOR_ELSE: dict[str, dict[str, Any]] = {
    "another room": {"room": "vault"},
    "another session": {"session": "s-9"},
    "another role": {"role": "operator"},
    "media alone": {"scopes": frozenset({TokenScope.MEDIA})},
    "control alone": {"scopes": frozenset({TokenScope.CONTROL})},
    "yesterday": {"issued_s": NOW_S - 86_400, "expires_s": NOW_S - 86_000},
    "tomorrow": {"issued_s": NOW_S + 86_000, "expires_s": NOW_S + 86_400},
}


async def test_a_token_for_anything_else_lets_nobody_in(house: House) -> None:
    await house.new_session()
    for name, change in FOR_ELSE.items():
        assert is_refused(await say(house.urls[0], hello(token(**change)))), name
    assert (await say(house.urls[0], hello(token())))["type"] == "bargein/welcome"


async def test_a_revoked_token_and_a_closed_room_let_nobody_in(house: House) -> None:
    revoked = await house.new_session()
    await house.store.revoke("t-s-1", NOW_S + 110)
    assert is_refused(await say(house.urls[0], hello(revoked)))
    other = await house.new_session("s-2")
    await house.store.close_room("cafe", NOW_S)
    assert is_refused(await say(house.urls[0], hello(other)))


NOT_HELLO: dict[str, str | bytes] = {
    "audio": b"\x02\x00" + bytes(200),
    "no JSON": "hello?",
    "a list": "[]",
    "another message": json.dumps({"type": "bargein/ping", "v": 1}),
    "no type": json.dumps({"token": "x"}),
    "a token that is a number": hello(1),
    "a token that is a list": hello(["x"]),
    "a token beyond bounds": hello("x" * 5000),
    "a message beyond bounds": hello("x", more="y" * 20_000),
    "another version": hello("x", protocol=2),
    "nothing": "",
    "deep": "[" * 3000,
}


async def test_what_is_no_hello_is_refused(house: House) -> None:
    for name, said in NOT_HELLO.items():
        try:
            answer = await say(house.urls[0], said)
        except ConnectionClosed:
            continue
        assert answer["type"] == "bargein/error", name
        assert answer["final"], name
    assert house.doors[0].talking == 0
    assert "x" * 50 not in "".join(house.log), "not even what is no token"


STRANGE: list[tuple[str, dict[str, str]]] = [
    ("/barista/ws", {"Origin": "https://evil.example"}),
    ("/barista/ws", {"Origin": "null"}),
    ("/thief/ws", {}),
    ("/ws", {}),
    ("/barista", {}),
    ("/barista/../barista/wss", {}),
]


async def test_a_strange_page_or_path_gets_no_connection(house: House) -> None:
    good = await house.new_session()
    for path, headers in STRANGE:
        url = house.urls[0].replace("/barista/ws", path)
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            await say(url, hello(good), **headers)
    shop = {"Origin": "https://shop.example"}
    assert (await say(house.urls[0], hello(good), **shop))["type"] == "bargein/welcome"


async def test_who_says_nothing_is_sent_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bargein.transports.local.server.HELLO_S", 0.05)
    assert (await say(house.urls[0]))["code"] == "no_hello"


Said = st.lists(st.binary(max_size=60) | st.text(max_size=60), min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talks=st.lists(Said, min_size=5, max_size=10))
def test_whatever_a_stranger_says_nobody_is_let_in(
    talks: list[list[str | bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def talk() -> None:
        async with open_house(tmp_path_factory.mktemp("fuzz")) as house:
            for said in talks:
                assert (await say(house.urls[0], said[0], *said[1:]))["type"] == "bargein/error"
            assert house.doors[0].talking == 0

    asyncio.run(talk())


async def test_who_knocks_too_often_is_sent_away_before_the_handshake() -> None:
    now_ms, let_in, sent = 0.0, [], []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        let_in.append(scope["client"][0])

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    turnstile = Turnstile(inside, rate=Rate(burst=3, per_s=1), clock_ms=lambda: now_ms)

    async def knock(address: str, kind: str = "websocket") -> None:
        await turnstile({"type": kind, "client": (address, 1)}, receive, send)

    for _ in range(5):
        await knock("192.0.2.1")
    await knock("192.0.2.2")
    await knock("192.0.2.1", "http")
    now_ms = 1000.0
    await knock("192.0.2.1")
    assert let_in == ["192.0.2.1"] * 3 + ["192.0.2.2"] + ["192.0.2.1"] * 2
    assert sent == ["websocket.close"] * 2


# --- connections that are none ---------------------------------------------------------------


async def raw(port: int, sent: bytes) -> bytes:
    """Send bytes, and give all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(BOUND_S):
        came = await reader.read()
    writer.close()
    await writer.wait_closed()
    return came


HALF = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "headers without an end": b"GET /health HTTP/1.1\r\nhost: x\r\nx: ",
    "a second request that does not come": b"GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET",
}


@pytest.mark.parametrize("sent", HALF.values(), ids=HALF.keys())
async def test_headers_that_do_not_come_are_waited_for_no_longer(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.pipelines.control.patience.HEADERS_S", 0.1)
    async with running(worker_app({})) as port:
        came = await raw(port, sent)
    assert came.startswith(b"HTTP/1.1 200") if sent.endswith(b"GET") else came == b""


async def test_what_is_no_http_is_told_so_as_a_problem() -> None:
    async with running(worker_app({})) as port:
        came = await raw(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in came


async def test_connections_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bargein.pipelines.control.patience.MOST_CONNECTIONS", 3)
    async with running(worker_app({})) as port:
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(3)]
        assert await asked(port) == b"", "one more is not heard"
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers))
        assert (await asked(port)).startswith(b"HTTP/1.1 200")


async def asked(port: int) -> bytes:
    """Ask once, and give what comes back, if anything does."""
    try:
        return await raw(port, b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    except ConnectionError:
        return b""
