"""Rooms are private, short-lived and deleted; what Daily refuses is one clear sentence."""

from __future__ import annotations

import re
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bargein.transports.daily.errors import DailyError
from bargein.transports.daily.rest import BOT_USER_ID, TRIES, Rest
from tests.vendors.daily import KEY, Daily

HOUR_S = 3600
NAME = "bargein-1"


def rest(account: Daily, key: str = KEY) -> Rest:
    return Rest(account.url, key, first_pause_s=0.001, request_s=2)


async def test_a_room_is_private_expires_and_takes_a_bot_and_a_visitor_who_own_nothing(
    account: Daily,
) -> None:
    expires_s = int(time.time()) + HOUR_S
    async with rest(account) as api:
        room = await api.create_room(NAME, expires_s=expires_s)
        bot = account.tokens[await api.bot_token(room, name="Cafe")]
        visitor = account.tokens[await api.visitor_token(room)]
    made = account.rooms[room.name]
    assert (made["privacy"], made["config"]["exp"]) == ("private", expires_s)
    assert made["config"]["eject_at_room_exp"] is True
    for token in (bot, visitor):
        assert (token["room_name"], token["exp"]) == (room.name, expires_s)
        assert (token["is_owner"], token["eject_at_token_exp"]) == (False, True)
    assert (bot["user_id"], bot["user_name"]) == (BOT_USER_ID, "Cafe")
    assert visitor["permissions"] == {"canSend": ["audio"], "canAdmin": []}
    assert "user_id" not in visitor


async def test_a_room_is_deleted_and_one_that_is_gone_already_is_as_good(account: Daily) -> None:
    async with rest(account) as api:
        room = await api.create_room(NAME, expires_s=1)
        await api.delete_room(NAME)
        await api.delete_room(NAME)
    assert account.deleted == [room.name]


async def test_daily_being_busy_or_broken_for_a_moment_is_not_noticed(account: Daily) -> None:
    account.instead = [429, 503]
    async with rest(account) as api:
        await api.create_room(NAME, expires_s=1)
    assert len(account.rooms) == 1


async def test_a_room_that_a_failed_request_has_made_is_the_room(account: Daily) -> None:
    account.broken_behind = 1
    async with rest(account) as api:
        room = await api.create_room(NAME, expires_s=1)
    assert (room.name, list(account.rooms)) == (NAME, [NAME])


@pytest.mark.parametrize(
    ("instead", "tries", "says"),
    [
        ([429] * 9, TRIES, "asked too often (rate-limit-error), 4 times in a row. Try again later"),
        ([500] * 9, TRIES, "Daily's API fails (server-error), 4 times in a row"),
        ([402], 1, "Daily refuses POST rooms (server-error). The account may lack a plan"),
        ([404], 1, "is gone"),
    ],
)
async def test_what_goes_on_going_wrong_is_said_after_bounded_tries(
    account: Daily, instead: list[int], tries: int, says: str
) -> None:
    account.instead = instead
    with pytest.raises(DailyError, match=re.escape(says)):
        async with rest(account) as api:
            await api.create_room(NAME, expires_s=1)
    assert len(account.asked) == tries


async def test_a_wrong_key_is_said_once_and_not_shown(account: Daily) -> None:
    with pytest.raises(DailyError, match="Daily refuses the key") as raised:
        async with rest(account, key="secret-of-mine") as api:
            await api.create_room(NAME, expires_s=1)
    assert "DAILY_API_KEY" in str(raised.value)
    assert "secret-of-mine" not in str(raised.value)
    assert len(account.asked) == 1


async def test_an_api_that_is_not_there_is_said() -> None:
    with pytest.raises(DailyError, match="can't be reached"):
        async with Rest("http://127.0.0.1:9", KEY, first_pause_s=0.001) as api:
            await api.create_room(NAME, expires_s=1)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x80", b"[]", b"[" * 100_000, b"<html>"])
@pytest.mark.parametrize(
    ("status", "says"), [(200, "is transport.api_url Daily's"), (502, "fails")]
)
async def test_an_answer_that_is_no_object_is_said(body: bytes, status: int, says: str) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/rooms", nonsense)
    async with (
        TestServer(app) as server,
        Rest(f"http://{server.host}:{server.port}", KEY, first_pause_s=0) as api,
    ):
        with pytest.raises(DailyError, match=says):
            await api.create_room(NAME, expires_s=1)


async def test_an_api_that_answers_something_else_is_said(account: Daily) -> None:
    account.instead = [200]
    with pytest.raises(DailyError, match=r"answered without 'name'; is transport\.api_url"):
        async with rest(account) as api:
            await api.create_room(NAME, expires_s=1)
