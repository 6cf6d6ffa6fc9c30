"""What identities have used, in a SQLite file that several bots may share, or in memory.

Sessions of one identity in one process share an `Account`: they count together at once. Processes
know of each other at each `save`, once a second. The file names nobody: an identity is a keyed
hash there, with a key of the file's own.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from weakref import WeakValueDictionary

from bargein.errors import PartError
from bargein.tools.budget import Account, Use

T = TypeVar("T")

BUSY_S = 2.0
"""Another process may keep the file locked for so long."""
ANSWER_S = 4.0
KEY_BYTES = 32
TABLES = """
CREATE TABLE IF NOT EXISTS used (
    identity TEXT NOT NULL, window TEXT NOT NULL,
    tokens INTEGER NOT NULL DEFAULT 0, tool_calls INTEGER NOT NULL DEFAULT 0,
    cost REAL NOT NULL DEFAULT 0, minutes REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, window)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS own (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
ADD = """
INSERT INTO used VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (identity, window) DO UPDATE SET
    tokens = tokens + excluded.tokens, tool_calls = tool_calls + excluded.tool_calls,
    cost = cost + excluded.cost, minutes = minutes + excluded.minutes
RETURNING tokens, tool_calls, cost, minutes
"""


class BudgetError(PartError):
    """The store can't be read or written."""


class BudgetStore:
    """Use as a context manager; its methods within an event loop. Without a path, in memory."""

    def __init__(self, path: Path | None = None) -> None:
        """The file is made if it is not there; its folder must be."""
        self.path = path
        self._accounts: MutableMapping[tuple[str, str], Account] = (
            {} if path is None else WeakValueDictionary()
        )
        self._database: sqlite3.Connection | None = None
        self._key = b""
        # SQLite may wait for a disk or for another process; the event loop may not.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="budget")

    def __enter__(self) -> BudgetStore:
        """Open the file; raises BudgetError."""
        try:
            self._thread.submit(self._open).result(ANSWER_S)
        except (sqlite3.Error, OSError) as error:  # a TimeoutError is one
            raise BudgetError(f"the budgets {self.path} can't be opened: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Close it; sessions have saved by then."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    async def account(self, identity: str, window: str) -> Account:
        """Give what an identity has used in a window, one account for all that ask; BudgetError."""
        account = self._accounts.setdefault((identity, window), Account())
        if self.path is None:
            for old in [key for key in self._accounts if key[1] < window]:
                del self._accounts[old]
            return account
        await self.save(account, identity, window)
        return account

    async def save(self, account: Account, identity: str, window: str) -> None:
        """Write what was used since the last time, and learn what others have; BudgetError.

        If it is cancelled meanwhile, the same may be written twice.
        """
        if self.path is None:
            account.unsaved = Use()
            return
        unsaved, account.unsaved = account.unsaved, Use()
        try:
            total = await self._ask(lambda: self._add(identity, window, unsaved))
        except BaseException:
            account.unsaved += unsaved
            raise
        # Sessions have gone on meanwhile.
        account.used = total + account.unsaved

    async def _ask(self, ask: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._thread, ask), ANSWER_S)
        except (sqlite3.Error, TimeoutError) as error:
            raise BudgetError(f"the budgets {self.path} are not to be had: {error}") from error

    # --- in the thread ---------------------------------------------------------------------

    def _open(self) -> None:
        if self.path is None:
            return
        self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(TABLES)
        made = secrets.token_bytes(KEY_BYTES)
        database.execute("INSERT OR IGNORE INTO own VALUES ('key', ?)", (made,))
        (self._key,) = database.execute("SELECT value FROM own WHERE name = 'key'").fetchone()
        self._database = database

    def _add(self, identity: str, window: str, use: Use) -> Use:
        assert self._database
        name = hmac.digest(self._key, identity.encode(), hashlib.sha256).hex()
        row = (name, window, use.tokens, use.tool_calls, use.cost, use.minutes)
        (added,) = self._database.execute(ADD, row).fetchall()
        return Use(*added)

    def _close(self) -> None:
        if self._database:
            self._database.close()
