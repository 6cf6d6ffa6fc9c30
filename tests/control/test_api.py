"""What the API gives to operators and to the page, and how it refuses everybody else."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from bargein.control.api_keys import ApiKeys
from bargein.control.keys import TokenKeys
from bargein.control.limits import Rate
from bargein.control.placement import Pulse
from bargein.control.problem import MEDIA_TYPE
from bargein.control.room import Worker
from bargein.control.token import read
from bargein.errors import ConfigError
from bargein.pipelines.control.api import PUBLIC_LIFE_S, Access, Api
from bargein.pipelines.control.clerk import Clerk
from bargein.pipelines.control.key_ring import KeyRing
from bargein.pipelines.control.shield import MAX_BODY_BYTES, Shield
from bargein.pipelines.control.sqlite_store import SqliteStore
from bargein.pipelines.control.token_door import AUDIENCE
from bargein.processors.clock import monotonic_ms
from tests.control.test_token import KEYS, NEW, OLD

NOW_S = 1_800_000_000
KEY = "operator-key-0123456789abcdefghijklmnop"
OPERATOR = {"authorization": f"Bearer {KEY}"}
JSON = {"content-type": "application/json"}
WORKER = Worker("1-aa", "ws://127.0.0.1:41001", 8, 1, beat=1)


@dataclass
class Served:
    """An API, and what stands behind it."""

    client: httpx.AsyncClient
    store: SqliteStore

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Ask as an operator."""
        return await self.client.request(method, path, json=body, headers={**OPERATOR, **headers})

    async def room(self, **asked: Any) -> dict[str, Any]:
        """Make a room."""
        answer = await self.ask("POST", "/rooms", asked)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


async def api_at(path: Path, *, public: bool = False) -> Served:
    """Make an API over a store of its own, with one worker that lives."""
    store = SqliteStore(path / "api.db")
    await store.beat(WORKER)
    return over(store, public=public)


def over(store: SqliteStore, *, public: bool = False) -> Served:
    """Make an API that knows of nobody yet."""
    pulse = Pulse()
    pulse.look([WORKER], monotonic_ms())
    clerk = Clerk(store, KeyRing(KEYS), ["cafe", "bank"], pulse, now_s=lambda: NOW_S)
    access = Access(
        ApiKeys.parse(KEY, source="test"),
        Rate(3, 0.1) if public else None,
        {"https://shop.example"},
        "ws://127.0.0.1:*",
    )
    transport = httpx.ASGITransport(Api(clerk, access).app, client=("192.0.2.9", 1))
    base = "http://127.0.0.1:7860"
    return Served(httpx.AsyncClient(transport=transport, base_url=base), store)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = await api_at(tmp_path)
    yield served
    await served.client.aclose()
    await served.store.close()


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Served]:
    served = await api_at(tmp_path, public=True)
    yield served
    await served.client.aclose()
    await served.store.close()


# --- what it gives ------------------------------------------------------------------------


async def test_a_room_comes_with_all_that_a_client_needs(served: Served) -> None:
    made = await served.room(bot="bank", room="desk-1", identity="ann")
    grant = read(made["token"], KEYS, audience=AUDIENCE, now_s=NOW_S)
    assert made["connect"] == {"transport": "websocket", "url": "ws://127.0.0.1:41001/bank/ws"}
    assert (grant.room, grant.session, grant.identity) == ("desk-1", made["session"], "ann")
    assert grant.id == made["token_id"]
    assert made["expires_at"] == "2027-01-15T08:02:00Z"
    (shown,) = (await served.ask("GET", "/sessions")).json()
    assert (shown["state"], shown["worker"], shown["bot"]) == ("waiting", "1-aa", "bank")
    assert (await served.ask("GET", f"/sessions/{made['session']}")).json() == shown
    (room,) = (await served.ask("GET", "/rooms")).json()
    assert room["room"] == "desk-1"


async def test_who_names_nothing_gets_the_first_bot_in_a_room_of_its_own(served: Served) -> None:
    first, second = await served.room(), await served.room()
    assert first["connect"]["url"].endswith("/cafe/ws")
    assert first["room"] != second["room"]
    assert first["token"] != second["token"]


async def test_another_token_for_a_room_is_for_another_session(served: Served) -> None:
    made = await served.room(room="desk")
    more = (await served.ask("POST", "/rooms/desk/tokens", {"scopes": ["media"]})).json()
    assert more["session"] != made["session"]
    grant = read(more["token"], KEYS, audience=AUDIENCE, now_s=NOW_S)
    assert grant.scopes == {"media"}


async def test_a_lost_session_gets_a_token_at_a_worker_that_lives(served: Served) -> None:
    made = await served.room(room="desk", identity="ann")
    await served.store.beat(Worker("2-bb", "ws://127.0.0.1:41002", 8, 1))
    await served.store.lose_worker("1-aa", NOW_S)
    body = {"session": made["session"]}
    again = (await served.ask("POST", "/rooms/desk/tokens", body)).json()
    assert again["session"] == made["session"]
    assert again["connect"]["url"] == "ws://127.0.0.1:41002/cafe/ws"
    assert read(again["token"], KEYS, audience=AUDIENCE, now_s=NOW_S).identity == "ann"


async def test_a_session_that_is_talked_in_gets_no_second_client(served: Served) -> None:
    made = await served.room(room="desk")
    grant = read(made["token"], KEYS, audience=AUDIENCE, now_s=NOW_S)
    assert await served.store.join(grant, "1-aa", NOW_S) is None
    answer = await served.ask("POST", "/rooms/desk/tokens", {"session": made["session"]})
    assert_problem(answer, 409, "not_joinable")


async def test_a_closed_room_is_gone_with_its_sessions(served: Served) -> None:
    made = await served.room(room="desk")
    assert (await served.ask("DELETE", "/rooms/desk")).status_code == 204
    assert (await served.ask("GET", f"/sessions/{made['session']}")).json()["state"] == "ended"
    for method, path in (("DELETE", "/rooms/desk"), ("POST", "/rooms/desk/tokens")):
        answer = await served.ask(method, path, {} if method == "POST" else None)
        assert_problem(answer, 404, "not_found")


async def test_a_session_can_be_ended_and_a_token_revoked(served: Served) -> None:
    made = await served.room()
    ended = await served.ask("DELETE", f"/sessions/{made['session']}")
    assert (ended.status_code, ended.json()["state"]) == (202, "ended")
    revoked = await served.ask("POST", "/tokens/revoke", {"token_id": made["token_id"]})
    unknown = await served.ask("POST", "/tokens/revoke", {"token_id": "nobody"})
    assert revoked.status_code == unknown.status_code == 204


async def test_a_full_house_and_an_empty_one_ask_for_patience(served: Served) -> None:
    for _ in range(WORKER.capacity):
        await served.room()
    full = await served.ask("POST", "/rooms", {})
    assert_problem(full, 503, "no_place")
    assert full.headers["retry-after"]
    assert (await served.client.get("/health")).status_code == 503
    assert (await served.client.get("/health/live")).json() == {"live": True}


async def test_a_full_house_leaves_no_room_behind(served: Served) -> None:
    await served.store.lose_worker("1-aa", NOW_S)
    assert_problem(await served.ask("POST", "/rooms", {"room": "desk"}), 503, "no_place")
    assert (await served.ask("GET", "/rooms")).json() == []


async def test_many_who_ask_at_once_are_not_placed_beyond_the_capacity(served: Served) -> None:
    asked = [served.ask("POST", "/rooms", {}) for _ in range(3 * WORKER.capacity)]
    codes = [each.status_code for each in await asyncio.gather(*asked)]
    assert codes.count(201) == WORKER.capacity
    assert set(codes) == {201, 503}


async def test_health_is_for_all_and_tells_little(served: Served) -> None:
    answer = await served.client.get("/health")
    assert answer.json() == {"live": True, "ready": True}


async def test_metrics_count_what_was_given_and_refused(served: Served) -> None:
    await served.room()
    await served.ask("DELETE", "/rooms/nowhere")
    text = (await served.ask("GET", "/metrics")).text
    assert "bargein_control_tokens_total 1.0" in text
    assert 'bargein_control_refused_total{code="not_found"} 1.0' in text
    assert 'bargein_worker_sessions{worker="1-aa"} 1.0' in text


async def test_the_openapi_document_names_every_path_and_its_refusals(served: Served) -> None:
    document = (await served.ask("GET", "/openapi.json")).json()
    assert {"/rooms", "/rooms/{room}", "/rooms/{room}/tokens", "/tokens/revoke", "/sessions",
            "/sessions/{session}", "/health", "/metrics"} <= set(document["paths"])  # fmt: skip
    assert MEDIA_TYPE in document["paths"]["/rooms"]["post"]["responses"]["4XX"]["content"]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


async def test_a_public_api_serves_the_page_and_gives_it_a_room(public: Served) -> None:
    page = await public.client.get("/")
    assert "<!doctype html>" in page.text
    assert "connect-src 'self' ws://127.0.0.1:*;" in page.headers["content-security-policy"]
    assert (await public.client.get("/transport")).json() == {"use": "rooms", "rooms": "/rooms"}
    made = await public.client.post("/rooms", json={"bot": "bank"})
    assert made.status_code == 201
    grant = read(made.json()["token"], KEYS, audience=AUDIENCE, now_s=NOW_S)
    assert grant.expires_s - grant.issued_s == PUBLIC_LIFE_S


async def test_an_api_that_is_not_public_serves_no_page(served: Served) -> None:
    assert_problem(await served.client.get("/"), 404, "not_found")
    assert_problem(await served.client.post("/rooms", json={}), 401, "unauthorized")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 201),
        ("http://127.0.0.1:7860", 201),
        ("https://shop.example", 201),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
async def test_only_our_pages_may_ask_for_a_room(
    public: Served, origin: str | None, status: int
) -> None:
    headers = {"origin": origin} if origin else {}
    assert (await public.client.post("/rooms", json={}, headers=headers)).status_code == status


@pytest.mark.parametrize("asked", [{"room": "desk"}, {"identity": "ann"}, {"life_s": 3600},
                                   {"scopes": ["media"]}])  # fmt: skip
async def test_the_public_may_choose_a_bot_and_nothing_else(
    public: Served, asked: dict[str, Any]
) -> None:
    assert_problem(await public.client.post("/rooms", json=asked), 401, "unauthorized")


async def test_the_public_gets_rooms_at_a_bounded_rate(public: Served) -> None:
    answers = [await public.client.post("/rooms", json={}) for _ in range(5)]
    assert [each.status_code for each in answers] == [201, 201, 201, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    # Operators are not slowed down by that.
    await public.room()


async def test_who_guesses_keys_is_slowed_down_even_with_the_right_one(served: Served) -> None:
    bad = {"authorization": "Bearer " + "x" * 40}
    codes = [(await served.client.get("/rooms", headers=bad)).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    assert (await served.client.get("/rooms", headers=OPERATOR)).status_code == 429


async def test_nobody_may_ask_without_end() -> None:
    now_ms = 0.0
    inside = Response("fine")
    app = Shield(inside, headers={}, rate=Rate(burst=3, per_s=1), clock_ms=lambda: now_ms)
    loud, other = (
        httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(each, 1)), base_url="http://x")
        for each in ("192.0.2.1", "192.0.2.2")
    )
    codes = [(await loud.get("/")).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert (await other.get("/")).status_code == 200
    now_ms = 1000.0
    assert [(await loud.get("/")).status_code for _ in range(2)] == [200, 429]


# --- what it refuses -----------------------------------------------------------------------


def assert_problem(
    answer: httpx.Response, status: int, code: str | None = None, *, about: str = ""
) -> None:
    """It is refused as a problem, and tells nothing of the inside."""
    assert answer.status_code == status, f"{about}: {answer.text}"
    assert answer.headers["content-type"] == MEDIA_TYPE
    told = answer.json()
    assert told["status"] == status
    assert set(told) <= {"type", "title", "status", "code", "detail", "errors"}
    if code:
        assert told["code"] == code
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert_tells_nothing(answer.text)


def assert_tells_nothing(text: str) -> None:
    """No stack trace, path, class or secret."""
    assert not re.search(r"Traceback|File \"|\.py|pydantic|sqlite|Error\(|/home|/tmp", text), text
    for secret in (KEY, NEW.hex(), OLD.hex()):
        assert secret not in text


def bearer(key: str) -> dict[str, str]:
    return {"authorization": key}


DEEP = "[" * 8000 + "]" * 8000
Bad = tuple[str, str, bytes | None, dict[str, str], int]
BAD: dict[str, Bad] = {
    "no key": ("GET", "/rooms", None, {}, 401),
    "no key for sessions": ("GET", "/sessions", None, {}, 401),
    "no key for one session": ("GET", "/sessions/x", None, {}, 401),
    "no key for metrics": ("GET", "/metrics", None, {}, 401),
    "no key for the document": ("GET", "/openapi.json", None, {}, 401),
    "no key to make a room": ("POST", "/rooms", b"{}", JSON, 401),
    "no key to make a token": ("POST", "/rooms/x/tokens", b"{}", JSON, 401),
    "no key to revoke": ("POST", "/tokens/revoke", b'{"token_id":"x"}', JSON, 401),
    "no key to close a room": ("DELETE", "/rooms/x", None, {}, 401),
    "no key to end a session": ("DELETE", "/sessions/x", None, {}, 401),
    "another key": ("GET", "/rooms", None, bearer("Bearer " + "x" * 40), 401),
    "a key in part": ("GET", "/rooms", None, bearer(f"Bearer {KEY[:-1]}"), 401),
    "a key with more": ("GET", "/rooms", None, bearer(f"Bearer {KEY}x"), 401),
    "a key in capitals": ("GET", "/rooms", None, bearer(f"Bearer {KEY.upper()}"), 401),
    "an empty key": ("GET", "/rooms", None, bearer("Bearer "), 401),
    "two spaces": ("GET", "/rooms", None, bearer(f"Bearer  x {KEY}"), 401),
    "a key with no scheme": ("GET", "/rooms", None, bearer(KEY), 401),
    "a key as Basic": ("GET", "/rooms", None, bearer(f"Basic {KEY}"), 401),
    "a token in place of a key": ("GET", "/rooms", None, bearer("Bearer a.b.c"), 401),
    "a very long key": ("GET", "/rooms", None, bearer("Bearer " + "k" * 7000), 401),
    "a key in the address": ("GET", f"/rooms?key={KEY}", None, {}, 401),
    "a key in a cookie": ("GET", "/rooms", None, {"cookie": f"key={KEY}"}, 401),
    "no such path": ("GET", "/nothing", None, OPERATOR, 404),
    "no such path to post to": ("POST", "/nothing", b"{}", {**OPERATOR, **JSON}, 404),
    "the inside of the page": ("GET", "/../serve.py", None, OPERATOR, 404),
    "the inside, encoded": ("GET", "/%2e%2e/serve.py", None, OPERATOR, 404),
    "FastAPI's pages": ("GET", "/docs", None, OPERATOR, 404),
    "no such session": ("GET", "/sessions/nobody", None, OPERATOR, 404),
    "no such session to end": ("DELETE", "/sessions/nobody", None, OPERATOR, 404),
    "no such room to close": ("DELETE", "/rooms/nowhere", None, OPERATOR, 404),
    "no such room for a token": ("POST", "/rooms/nowhere/tokens", b"{}", {**OPERATOR, **JSON}, 404),
    "another method": ("PUT", "/rooms", b"{}", {**OPERATOR, **JSON}, 405),
    "a method of its own making": ("BREW", "/rooms", None, OPERATOR, 405),
    "options": ("OPTIONS", "/rooms", None, OPERATOR, 405),
    "delete all rooms": ("DELETE", "/rooms", None, OPERATOR, 405),
    "trace": ("TRACE", "/health", None, OPERATOR, 405),
    "get what is posted": ("GET", "/tokens/revoke", None, OPERATOR, 405),
    "a form": ("POST", "/rooms", b"bot=cafe",
               {**OPERATOR, "content-type": "application/x-www-form-urlencoded"}, 415),
    "plain text, as a page may send": ("POST", "/rooms", b"{}",
                                       {**OPERATOR, "content-type": "text/plain"}, 415),
    "no type": ("POST", "/rooms", b"{}", OPERATOR, 415),
    "YAML": ("POST", "/rooms", b"bot: cafe", {**OPERATOR, "content-type": "text/yaml"}, 415),
    "a body at a path that takes none": ("GET", "/rooms", b"x", OPERATOR, 415),
    "too large": ("POST", "/rooms", b" " * (MAX_BODY_BYTES + 1), {**OPERATOR, **JSON}, 413),
    "said to be too large": ("POST", "/rooms", b"{}",
                             {**OPERATOR, **JSON, "content-length": "9999999"}, 413),
    "a length that is no number": ("POST", "/rooms", b"{}",
                                   {**OPERATOR, **JSON, "content-length": "-1"}, 413),
}  # fmt: skip
FIT = {
    "nothing": b"",
    "no JSON": b"{bot}",
    "half": b'{"bot": "cafe"',
    "two": b"{} {}",
    "letters of no code": b'{"bot": "\xff\xfe"}',
    "a null byte": b"\x00",
    "a list": b"[]",
    "a text": b'"cafe"',
    "null": b"null",
    "a number": b"1e999",
    "very deep": DEEP.encode(),
    "an unknown key": b'{"yaml": "pipeline: []"}',
    "a path": b'{"config": "/etc/passwd"}',
    "a bot that is a path": b'{"bot": "../../etc/passwd"}',
    "a bot that is a number": b'{"bot": 1}',
    "an unknown bot": b'{"bot": "thief"}',
    "a room of spaces": b'{"room": "  "}',
    "a room that is empty": b'{"room": ""}',
    "a room with a slash": b'{"room": "a/b"}',
    "a room with a line's end": b'{"room": "desk\\n"}',
    "a room with SQL": b'{"room": "x\'; DROP TABLE rooms; --"}',
    "a room that is too long": json.dumps({"room": "x" * 65}).encode(),
    "a room of other letters": '{"room": "räum"}'.encode(),
    "a room that is a list": b'{"room": ["desk"]}',
    "an identity with markup": b'{"identity": "<script>"}',
    "no scope": b'{"scopes": []}',
    "an unknown scope": b'{"scopes": ["admin"]}',
    "scopes as text": b'{"scopes": "media"}',
    "too many scopes": b'{"scopes": ["media", "media", "media"]}',
    "a life of an hour and a second": b'{"life_s": 3601}',
    "no life": b'{"life_s": 0}',
    "a life backwards": b'{"life_s": -1}',
    "half a second": b'{"life_s": 60.5}',
    "a life as text": b'{"life_s": "60"}',
    "a life that is true": b'{"life_s": true}',
    "a life that is no number": b'{"life_s": NaN}',
    "a life beyond all bounds": b'{"life_s": 1e400}',
}
PATHS = ("/rooms/a%20b", "/sessions/..%2f..", "/sessions/%00", "/rooms/" + "x" * 65)
QUERIES = ("limit=0", "limit=-1", "limit=501", "limit=x", "limit=1e9", "room=a b", "limit=%00")


async def test_what_may_not_be_asked_is_refused_as_a_problem(served: Served) -> None:
    for name, (method, path, body, headers, status) in BAD.items():
        # Whoever asks so badly again and again would be slowed down.
        asked = over(served.store).client
        answer = await asked.request(method, path, content=body, headers=headers)
        assert_problem(answer, status, about=name)
        assert status != 401 or answer.headers["www-authenticate"] == "Bearer", name


@pytest.mark.parametrize("path", ["/rooms", "/rooms/desk/tokens"])
async def test_a_body_that_does_not_fit_makes_nothing(served: Served, path: str) -> None:
    for name, body in FIT.items():
        answer = await served.client.post(path, content=body, headers={**OPERATOR, **JSON})
        # What fits the second path finds no such room.
        allowed = (400, 422) if path == "/rooms" else (400, 404, 422)
        assert answer.status_code in allowed, name
        assert_problem(answer, answer.status_code, about=name)
    assert await served.store.rooms(9) == []


async def test_a_name_that_is_none_is_not_looked_for(served: Served) -> None:
    for path in PATHS:
        assert (await served.ask("DELETE", path)).status_code in (404, 422), path


async def test_a_query_that_does_not_fit_is_refused(served: Served) -> None:
    for query in QUERIES:
        answer = await served.ask("GET", f"/sessions?{query}")
        assert_problem(answer, 422, "invalid", about=query)


def test_there_are_more_than_sixty() -> None:
    assert len(BAD) + len(FIT) + len(PATHS) + len(QUERIES) > 60


async def test_a_name_is_given_once(served: Served) -> None:
    await served.room(room="desk")
    assert_problem(await served.ask("POST", "/rooms", {"room": "desk"}), 409, "name_taken")


async def test_a_body_that_never_ends_is_cut_off(served: Served) -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1000

    headers = {**OPERATOR, **JSON}
    answer = await served.client.post("/rooms", content=drip(), headers=headers)
    assert_problem(answer, 413, "too_large")


async def test_a_body_that_does_not_come_is_waited_for_no_longer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr("bargein.pipelines.control.shield.BODY_S", 0.05)
    headers = {**OPERATOR, **JSON}
    answer = await served.client.post("/rooms", content=nothing(), headers=headers)
    assert_problem(answer, 408, "timeout")


async def test_what_breaks_inside_is_told_without_the_inside(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError(f"the key {KEY} broke /tmp/secret.py")

    monkeypatch.setattr(served.store, "rooms", broken)
    assert_problem(await served.ask("GET", "/rooms"), 500, "broken")


async def test_a_store_that_does_not_answer_asks_for_patience(served: Served) -> None:
    await served.store._change("DROP TABLE rooms", ())
    assert_problem(await served.ask("GET", "/rooms"), 503, "no_place")


Anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each),
    max_leaves=8,
)
Keys = st.sampled_from(["bot", "room", "identity", "scopes", "life_s", "session", "x"])
Bodies = st.binary(max_size=200) | st.dictionaries(Keys, Anything, max_size=4).map(
    lambda each: json.dumps(each).encode()
)
Paths = st.sampled_from(["/rooms", "/rooms/desk/tokens", "/tokens/revoke"]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?#%\\"), max_size=30
).map(lambda each: f"/{each.lstrip('/')}")


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(Paths, Bodies), min_size=5, max_size=5))
def test_whatever_is_sent_it_answers_and_nothing_breaks(
    asked: list[tuple[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def send_all() -> None:
        served = await api_at(tmp_path_factory.mktemp("fuzz"))
        for path, body in asked:
            headers = {**OPERATOR, **JSON}
            answer = await served.client.post(path, content=body, headers=headers)
            assert answer.status_code < 500 or answer.json()["code"] == "no_place", answer.text
            assert not answer.is_server_error or answer.headers["content-type"] == MEDIA_TYPE
        await served.store.close()

    asyncio.run(send_all())


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [("short", "key 1 is too weak"), (f"{KEY},{'a' * 40}", "key 2 is too weak"),
     ("x1y2z3w4" * 100, "too weak"), (" ".join(f"{KEY}{n}" for n in range(33)), "at most 32")],
)  # fmt: skip
def test_keys_that_protect_nothing_are_refused_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        ApiKeys.parse(text, source="BARGEIN_API_KEYS")
    assert KEY not in str(refused.value)


def test_several_keys_hold_at_once_and_none_is_kept() -> None:
    keys = ApiKeys.parse(f"{KEY}\n{KEY[::-1]}", source="x")
    assert keys.know(KEY)
    assert keys.know(KEY[::-1])
    assert not keys.know(KEY + "x")
    assert not keys.know("\ud800")
    assert KEY not in repr(keys) + str(vars(type(keys)))
    assert not ApiKeys().know("")


def key_file(path: Path, *names: str) -> Path:
    """Write a file of keys."""
    secrets = {"new": NEW, "old": OLD}
    lines: Iterable[str] = (f"{name}:{base64.b64encode(secrets[name]).decode()}" for name in names)
    path.write_text("\n".join(lines))
    path.chmod(0o600)
    return path


def test_keys_in_a_file_are_rotated_without_a_restart(tmp_path: Path) -> None:
    path = key_file(tmp_path / "keys", "old")
    ring = KeyRing.of({"BARGEIN_TOKEN_KEYS_FILE": str(path)})
    assert ring.keys.current == "old"
    key_file(path, "new", "old")
    assert ring.keys == TokenKeys("new", {"new": NEW, "old": OLD})
    path.write_text("broken")
    assert ring.keys.current == "new"
    path.unlink()
    assert ring.keys.current == "new"
    key_file(path, "new")
    assert set(ring.keys.secrets) == {"new"}


def test_keys_of_the_environment_are_taken_out_of_it(tmp_path: Path) -> None:
    text = key_file(tmp_path / "keys", "new").read_text()
    environ = {"BARGEIN_TOKEN_KEYS": text}
    assert KeyRing.of(environ).keys.current == "new"
    assert environ == {}
    both = {"BARGEIN_TOKEN_KEYS": text, "BARGEIN_TOKEN_KEYS_FILE": "x"}
    with pytest.raises(ConfigError, match="not both"):
        KeyRing.of(both)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path / "keys", "new")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        KeyRing.of({"BARGEIN_TOKEN_KEYS_FILE": str(path)})
    with pytest.raises(ConfigError, match="can't be read"):
        KeyRing.of({"BARGEIN_TOKEN_KEYS_FILE": str(tmp_path / "none")})
