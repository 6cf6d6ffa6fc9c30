"""What any store must keep to, whoever shares it, and whoever is killed over it."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bargein.control.room import Room, Session, State, Worker
from bargein.control.token import Grant, Scope, Why
from bargein.pipelines.control.sqlite_store import IDLE_ROOM_S, KEPT_S, SqliteStore
from bargein.pipelines.control.store import CIRCUIT_BYTES, Store, StoreError

NOW_S = 1_800_000_000
CAFE = Room("cafe", "barista", NOW_S)
TALK = Session("s-1", "cafe", "barista", "ann", NOW_S, NOW_S, State.WAITING, "w-1", NOW_S + 120)
ONE, TWO = (Worker(f"w-{n}", f"ws://127.0.0.1:{n}", 8, n, beat=1) for n in (1, 2))
TOKEN = Grant("t-1", "ann", "cafe", "s-1", "caller", frozenset(Scope), NOW_S, NOW_S + 120)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "store.db")
    await store.add_room(CAFE)
    await store.add_session(TALK)
    await store.beat(ONE)
    await store.beat(TWO)
    yield store
    await store.close()


async def state(store: Store, session: str = "s-1") -> State:
    found = await store.session(session)
    assert found
    return found.state


async def test_what_is_put_in_comes_out(store: Store) -> None:
    assert await store.room("cafe") == CAFE
    assert await store.rooms(9) == [CAFE]
    assert await store.session("s-1") == TALK
    assert await store.sessions(9, room="cafe") == [TALK]
    assert await store.sessions(9, room="bar") == []
    assert await store.workers() == [TWO, replace(ONE, load=1)]
    assert await store.room("bar") is None
    assert await store.session("s-9") is None


async def test_a_rooms_name_is_given_once(store: Store) -> None:
    assert not await store.add_room(replace(CAFE, bot="waiter"))
    assert await store.room("cafe") == CAFE


async def test_a_token_lets_in_once(store: Store) -> None:
    assert await store.join(TOKEN, "w-1", NOW_S) is None
    assert await state(store) is State.TALKING
    assert await store.join(TOKEN, "w-1", NOW_S) is Why.USED
    assert await store.join(TOKEN, "w-2", NOW_S) is Why.USED


async def test_a_spent_token_is_no_good_after_its_session(store: Store) -> None:
    await store.join(TOKEN, "w-1", NOW_S)
    await store.lose_worker("w-1", NOW_S)
    assert await store.place("s-1", "w-2", NOW_S + 120, NOW_S)
    assert await store.join(TOKEN, "w-2", NOW_S) is Why.USED
    assert await store.join(replace(TOKEN, id="t-2"), "w-2", NOW_S) is None


@pytest.mark.parametrize(
    ("change", "worker", "expected"),
    [
        ({}, "w-2", Why.SESSION),
        ({"session": "s-9"}, "w-1", Why.SESSION),
        ({"room": "bar"}, "w-1", Why.ROOM),
        ({"room": "bar", "session": "s-2"}, "w-1", Why.ROOM),
    ],
)
async def test_a_token_is_good_for_its_session_at_its_worker_alone(
    store: Store, change: dict[str, str], worker: str, expected: Why
) -> None:
    assert await store.join(replace(TOKEN, **change), worker, NOW_S) is expected  # type: ignore[arg-type]
    assert await state(store) is State.WAITING
    # What was refused is not spent.
    assert await store.join(TOKEN, "w-1", NOW_S) is None


async def test_a_revoked_token_lets_nobody_in(store: Store) -> None:
    await store.revoke("t-1", NOW_S + 120)
    assert await store.join(TOKEN, "w-1", NOW_S) is Why.REVOKED


async def test_of_two_tokens_for_a_session_one_begins_it(store: Store) -> None:
    assert await store.join(TOKEN, "w-1", NOW_S) is None
    assert await store.join(replace(TOKEN, id="t-2"), "w-1", NOW_S) is Why.SESSION


async def test_a_closed_room_lets_nobody_in_and_asks_its_talks_to_end(store: Store) -> None:
    await store.add_session(replace(TALK, id="s-2"))
    await store.join(TOKEN, "w-1", NOW_S)
    assert await store.close_room("cafe", NOW_S)
    assert not await store.close_room("cafe", NOW_S)
    assert await store.ending("w-1") == ["s-1"]
    assert await state(store, "s-2") is State.ENDED
    assert await store.join(replace(TOKEN, id="t-2", session="s-2"), "w-1", NOW_S) is Why.ROOM
    assert await store.rooms(9) == []


async def test_a_talk_that_is_asked_to_end_ends_when_its_worker_says_so(store: Store) -> None:
    await store.join(TOKEN, "w-1", NOW_S)
    assert await store.ask_end("s-1", NOW_S)
    assert await store.ending("w-2") == []
    assert await store.ending("w-1") == ["s-1"]
    await store.leave("s-1", "w-1", NOW_S)
    assert await state(store) is State.ENDED
    assert await store.ending("w-1") == []
    assert not await store.ask_end("s-1", NOW_S)
    assert not await store.place("s-1", "w-2", NOW_S + 120, NOW_S)


async def test_a_dead_workers_sessions_can_be_placed_elsewhere_and_others_are_untouched(
    store: Store,
) -> None:
    await store.add_session(replace(TALK, id="s-2", worker="w-2"))
    await store.join(TOKEN, "w-1", NOW_S)
    await store.join(replace(TOKEN, id="t-2", session="s-2"), "w-2", NOW_S)
    assert await store.lose_worker("w-1", NOW_S) == ["s-1"]
    assert await state(store, "s-2") is State.TALKING
    assert [each.id for each in await store.workers()] == ["w-2"]
    assert await store.place("s-1", "w-2", NOW_S + 120, NOW_S)
    # Word from the dead comes too late.
    await store.leave("s-1", "w-1", NOW_S)
    assert await state(store) is State.WAITING


async def test_a_workers_load_is_what_it_has_and_what_is_on_its_way(store: Store) -> None:
    async def load() -> int:
        return next(each.load for each in await store.workers() if each.id == "w-1")

    await store.add_session(replace(TALK, id="s-2"))
    assert await load() == 2
    await store.join(TOKEN, "w-1", NOW_S)
    assert await load() == 2
    await store.leave("s-1", "w-1", NOW_S)
    await store.sweep(NOW_S + 121)
    assert await load() == 0
    assert await state(store, "s-2") is State.EXPIRED


async def test_what_is_long_over_is_forgotten(store: Store) -> None:
    await store.sweep(NOW_S + 121)
    assert await store.place("s-1", "w-1", NOW_S + 240, NOW_S + 122)
    await store.sweep(NOW_S + 241)
    await store.sweep(NOW_S + 242 + IDLE_ROOM_S)
    assert await store.room("cafe") is None
    assert await store.session("s-1")
    await store.sweep(NOW_S + 242 + KEPT_S)
    assert await store.session("s-1") is None


async def test_a_room_stays_while_somebody_talks_in_it(store: Store) -> None:
    await store.join(TOKEN, "w-1", NOW_S)
    await store.sweep(NOW_S + 2 * KEPT_S)
    assert await store.room("cafe")
    assert await state(store) is State.TALKING


async def test_what_is_kept_of_a_session_outlives_its_worker_and_is_bounded(store: Store) -> None:
    assert await store.circuit("s-1") == "{}"
    await store.keep("s-1", '{"context": ["hello"]}')
    await store.lose_worker("w-1", NOW_S)
    assert await store.circuit("s-1") == '{"context": ["hello"]}'
    with pytest.raises(ValueError, match="bytes"):
        await store.keep("s-1", "x" * (CIRCUIT_BYTES + 1))


async def test_of_many_who_try_with_one_token_one_is_let_in(tmp_path: Path, store: Store) -> None:
    others = [SqliteStore(tmp_path / "store.db") for _ in range(4)]
    tries = [each.join(TOKEN, "w-1", NOW_S) for each in others for _ in range(10)]
    refused = await asyncio.gather(*tries)
    assert refused.count(None) == 1
    assert set(refused) == {None, Why.USED}
    for each in others:
        await each.close()


async def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database at all, " * 100)
    with pytest.raises(StoreError, match=r"notes\.db"):
        SqliteStore(tmp_path / "notes.db")
    with pytest.raises(StoreError, match="no-folder"):
        SqliteStore(tmp_path / "no-folder" / "x.db")


async def test_a_store_is_its_owners_alone(tmp_path: Path, store: Store) -> None:
    assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0


WRITER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from tests.control.test_store import *
async def main(path, first):
    store = SqliteStore(Path(path))
    for number in range(first, first + 100_000):
        session = replace(TALK, id=f"s-{number}")
        await store.add_session(session)
        token = replace(TOKEN, id=f"t-{number}", session=session.id)
        assert await store.join(token, "w-1", NOW_S) is None
        await store.keep(session.id, '{"x": "' + "y" * 5000 + '"}')
        print(number, flush=True)
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def killed_writer(path: Path, first: int, after_s: float) -> list[int]:
    """Have a process write, kill it, and give what it had said was done."""
    command = [sys.executable, "-c", WRITER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        told = [writer.stdout.readline()]
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    return [int(line) for line in told if line.endswith("\n")]


@pytest.mark.slow
async def test_a_process_that_is_killed_in_mid_write_loses_nothing_that_was_done(
    tmp_path: Path,
) -> None:
    path, chance = tmp_path / "store.db", random.Random(5)
    store = SqliteStore(path)
    await store.add_room(CAFE)
    await store.close()
    for first in range(0, 400_000, 100_000):
        done = await asyncio.to_thread(killed_writer, path, first, chance.uniform(0.05, 0.4))
        assert done
        store = SqliteStore(path)
        for number in done:
            spent = replace(TOKEN, id=f"t-{number}", session=f"s-{number}")
            assert await store.join(spent, "w-1", NOW_S) is Why.USED
            assert await state(store, f"s-{number}") is State.TALKING
            assert "yyy" in await store.circuit(f"s-{number}")
        await store.close()
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
