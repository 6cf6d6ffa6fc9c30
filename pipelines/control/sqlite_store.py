"""The store in a file: SQLite, for control process and workers on one machine.

Write-ahead logging lets all processes read while one writes, and keeps every finished
transaction through a kill at any instant. `synchronous=FULL` keeps it through a power cut, too:
with less, a token that was spent in the last moment would be good again after it. It costs one
flush of the disk for a join, of which there are few. It is long because the statements of
one schema belong together.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bargein.control.room import OPEN, Happening, Room, Session, State, Worker, changes
from bargein.control.token import Grant, Why
from bargein.pipelines.control.store import CIRCUIT_BYTES, StoreError

T = TypeVar("T")
BUSY_S = 5.0
"""Another process has the file for so long at most; a transaction takes milliseconds."""
VERSION = 1
KEPT_S = 86_400
"""Sessions that are over are shown for a day."""
IDLE_ROOM_S = 3_600
"""A room in which nothing happens for so long is closed."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS rooms (
    name TEXT PRIMARY KEY, bot TEXT NOT NULL, made_s INTEGER NOT NULL,
    is_open INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS workers (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, capacity INTEGER NOT NULL, pid INTEGER NOT NULL,
    is_draining INTEGER NOT NULL, beat INTEGER NOT NULL, refused TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, room TEXT NOT NULL, bot TEXT NOT NULL, identity TEXT NOT NULL,
    made_s INTEGER NOT NULL, seen_s INTEGER NOT NULL, state TEXT NOT NULL, worker TEXT,
    expires_s INTEGER NOT NULL, circuit TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE INDEX IF NOT EXISTS sessions_of_worker ON sessions (worker, state);
CREATE INDEX IF NOT EXISTS sessions_of_room ON sessions (room);
CREATE TABLE IF NOT EXISTS spent (id TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS revoked (id TEXT PRIMARY KEY, expires_s INTEGER NOT NULL) STRICT;
"""
SESSION = "id, room, bot, identity, made_s, seen_s, state, worker, expires_s"
MARKS = ", ".join("?" * len(OPEN))


class SqliteStore:
    """A `Store`; all its work is done in one thread of its own."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it, readable to its owner alone. StoreError if that fails."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            self._db = self._thread.submit(_opened, path).result()
        except (sqlite3.Error, OSError) as error:
            self._thread.shutdown()
            raise StoreError(f"{path}: the store can't be opened: {error}.") from error

    async def close(self) -> None:
        """Close it."""
        await self._in_thread(self._db.close)
        self._thread.shutdown()

    # --- rooms ----------------------------------------------------------------------------

    async def add_room(self, room: Room) -> bool:
        """Make a room."""
        return (
            await self._change(
                "INSERT OR IGNORE INTO rooms VALUES (?, ?, ?, ?)",
                (room.name, room.bot, room.made_s, room.is_open),
            )
            > 0
        )

    async def room(self, name: str) -> Room | None:
        """Give a room."""
        return next(iter(await self._rooms("WHERE name = ?", (name,))), None)

    async def rooms(self, limit: int) -> list[Room]:
        """List open rooms."""
        return await self._rooms("WHERE is_open ORDER BY made_s DESC, rowid DESC LIMIT ?", (limit,))

    async def _rooms(self, which: str, given: tuple[Any, ...]) -> list[Room]:
        rows = await self._read(f"SELECT name, bot, made_s, is_open FROM rooms {which}", given)
        return [Room(name, bot, made_s, bool(is_open)) for name, bot, made_s, is_open in rows]

    async def close_room(self, name: str, now_s: int) -> bool:
        """Close a room with all its sessions."""

        def close(db: sqlite3.Connection) -> bool:
            closed = db.execute("UPDATE rooms SET is_open = 0 WHERE name = ? AND is_open", (name,))
            _happen(db, Happening.END_ASKED, now_s, "room = ?", (name,))
            return closed.rowcount > 0

        return await self._run(close)

    # --- sessions -------------------------------------------------------------------------

    async def add_session(self, session: Session) -> None:
        """Make a session."""
        each = session
        await self._change(
            f"INSERT INTO sessions ({SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (each.id, each.room, each.bot, each.identity, each.made_s, each.seen_s, each.state,
             each.worker, each.expires_s),
        )  # fmt: skip

    async def session(self, session_id: str) -> Session | None:
        """Give a session."""
        return next(iter(await self._sessions("WHERE id = ?", (session_id,))), None)

    async def sessions(self, limit: int, *, room: str | None = None) -> list[Session]:
        """List sessions."""
        return await self._sessions(
            "WHERE ?1 IS NULL OR room = ?1 ORDER BY made_s DESC, rowid DESC LIMIT ?2",
            (room, limit),
        )

    async def _sessions(self, which: str, given: tuple[Any, ...]) -> list[Session]:
        rows = await self._read(f"SELECT {SESSION} FROM sessions {which}", given)
        return [_session(*row) for row in rows]

    async def place(self, session_id: str, worker: str, expires_s: int, now_s: int) -> bool:
        """Give a session to a worker."""

        def place(db: sqlite3.Connection) -> bool:
            if not _happen(db, Happening.PLACED, now_s, "id = ?", (session_id,)):
                return False
            db.execute(
                "UPDATE sessions SET worker = ?, expires_s = ? WHERE id = ?",
                (worker, expires_s, session_id),
            )
            return True

        return await self._run(place)

    async def join(self, grant: Grant, worker: str, now_s: int) -> Why | None:
        """Spend a token and begin its session."""
        return await self._run(lambda db: _join(db, grant, worker, now_s))

    async def leave(self, session_id: str, worker: str, now_s: int) -> None:
        """The talk is over."""
        where, given = "id = ? AND worker = ?", (session_id, worker)
        await self._run(lambda db: _happen(db, Happening.LEFT, now_s, where, given))

    async def ask_end(self, session_id: str, now_s: int) -> bool:
        """Ask for a session's end."""
        where = "id = ?"
        return (
            await self._run(
                lambda db: _happen(db, Happening.END_ASKED, now_s, where, (session_id,))
            )
            > 0
        )

    async def ending(self, worker: str) -> list[str]:
        """List sessions that shall end."""
        rows = await self._read(
            "SELECT id FROM sessions WHERE worker = ? AND state = ?", (worker, State.ENDING)
        )
        return [str(row[0]) for row in rows]

    async def keep(self, session_id: str, circuit: str) -> None:
        """Keep what outlives a worker; ValueError if it is too much."""
        if len(circuit.encode()) > CIRCUIT_BYTES:
            raise ValueError(f"of a session at most {CIRCUIT_BYTES} bytes are kept")
        await self._change("UPDATE sessions SET circuit = ? WHERE id = ?", (circuit, session_id))

    async def circuit(self, session_id: str) -> str:
        """Give what was kept."""
        rows = await self._read("SELECT circuit FROM sessions WHERE id = ?", (session_id,))
        return str(rows[0][0]) if rows else "{}"

    # --- workers --------------------------------------------------------------------------

    async def beat(self, worker: Worker) -> None:
        """A worker is there."""
        each = worker
        await self._change(
            "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (each.id, each.url, each.capacity, each.pid, each.is_draining, each.beat,
             json.dumps(dict(each.refused))),
        )  # fmt: skip

    async def workers(self) -> list[Worker]:
        """List the workers."""
        rows = await self._read(
            "SELECT id, url, capacity, pid, (SELECT count(*) FROM sessions WHERE worker = "
            f"workers.id AND state IN ({MARKS})), is_draining, beat, refused "
            "FROM workers ORDER BY rowid DESC",
            OPEN,
        )
        return [_worker(*row) for row in rows]

    async def lose_worker(self, worker: str, now_s: int) -> list[str]:
        """A worker is gone."""

        def lose(db: sqlite3.Connection) -> list[str]:
            _happen(db, Happening.WORKER_LOST, now_s, "worker = ?", (worker,))
            db.execute("DELETE FROM workers WHERE id = ?", (worker,))
            lost = db.execute(
                "SELECT id FROM sessions WHERE worker = ? AND state = ?", (worker, State.LOST)
            )
            return [str(row[0]) for row in lost]

        return await self._run(lose)

    # --- tokens ---------------------------------------------------------------------------

    async def revoke(self, token_id: str, expires_s: int) -> None:
        """This token lets nobody in."""
        await self._change("INSERT OR REPLACE INTO revoked VALUES (?, ?)", (token_id, expires_s))

    async def sweep(self, now_s: int) -> None:
        """Forget what is long over."""

        def sweep(db: sqlite3.Connection) -> None:
            _happen(db, Happening.TIME_OVER, now_s, "expires_s < ?", (now_s,))
            for table in ("spent", "revoked"):
                db.execute(f"DELETE FROM {table} WHERE expires_s < ?", (now_s,))
            db.execute(
                f"DELETE FROM sessions WHERE seen_s < ? AND state NOT IN ({MARKS})",
                (now_s - KEPT_S, *OPEN),
            )
            db.execute(
                "DELETE FROM rooms WHERE made_s < ?1 AND NOT EXISTS (SELECT 1 FROM sessions "
                f"WHERE room = name AND (seen_s >= ?1 OR state IN ({MARKS})))",
                (now_s - IDLE_ROOM_S, *OPEN),
            )

        await self._run(sweep)

    # --- the thread -----------------------------------------------------------------------

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do this as one transaction, in the thread; StoreError if the file does not allow it."""

        def transaction() -> T:
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                return work(self._db)

        return await self._in_thread(transaction)

    async def _change(self, statement: str, given: tuple[Any, ...]) -> int:
        """Change rows, and give how many."""
        return await self._run(lambda db: db.execute(statement, given).rowcount)

    async def _read(self, query: str, given: tuple[Any, ...]) -> list[Any]:
        """Read rows; readers wait for nobody."""
        return await self._in_thread(lambda: self._db.execute(query, given).fetchall())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreError(f"the store does not answer: {error}.") from error


def _session(
    id_: str, room: str, bot: str, identity: str, made_s: int, seen_s: int, state: str, *rest: Any
) -> Session:
    """Make a session of a row."""
    worker, expires_s = rest
    return Session(id_, room, bot, identity, made_s, seen_s, State(state), worker, expires_s)


def _worker(id_: str, url: str, capacity: int, pid: int, load: int, *rest: Any) -> Worker:
    """Make a worker of a row."""
    is_draining, beat, refused = rest
    return Worker(id_, url, capacity, pid, load, bool(is_draining), beat, json.loads(refused))


def _opened(path: Path) -> sqlite3.Connection:
    """Open the file; a token's id or a room's name is nobody else's business."""
    path.touch(mode=0o600)
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        db.close()
        raise OSError(f"it is of another release (format {version}); name another file")
    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    return db


def _happen(
    db: sqlite3.Connection, happening: Happening, now_s: int, where: str, given: tuple[Any, ...]
) -> int:
    """Let this happen to the sessions where it can, by the table of `room.py`; gives how many."""
    count = 0
    for before, after in changes(happening).items():
        done = db.execute(
            f"UPDATE sessions SET state = ?, seen_s = ? WHERE state = ? AND {where}",
            (after, now_s, before, *given),
        )
        count += done.rowcount
    return count


def _join(db: sqlite3.Connection, grant: Grant, worker: str, now_s: int) -> Why | None:
    if db.execute("SELECT 1 FROM revoked WHERE id = ?", (grant.id,)).fetchone():
        return Why.REVOKED
    if db.execute("SELECT 1 FROM spent WHERE id = ?", (grant.id,)).fetchone():
        return Why.USED
    if not db.execute("SELECT 1 FROM rooms WHERE name = ? AND is_open", (grant.room,)).fetchone():
        return Why.ROOM
    where, given = "id = ? AND room = ? AND worker = ?", (grant.session, grant.room, worker)
    if not _happen(db, Happening.JOINED, now_s, where, given):
        return Why.SESSION
    db.execute("INSERT INTO spent VALUES (?, ?)", (grant.id, grant.expires_s))
    return None
