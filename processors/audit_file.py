"""The audit's file: lines are on the disk before `append` returns, or it raises.

Any number of sessions, and of processes on this machine, may share one: who appends holds a lock
on the file beside it that ends in `.head`, where the last line's number and hash stand. A thread
writes, all that waits at once, with one fsync.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from loguru import logger

from bargein.errors import PartError
from bargein.processors.audit_tail import (
    Left,
    head_line,
    head_path,
    look,
    older_parts,
    read_end,
)
from bargein.tools.audit import Event, Fact, Head, Seal

try:
    import fcntl
except ImportError:  # pragma: no cover - no POSIX system
    fcntl = None  # type: ignore[assignment]

WAITING_FACTS = 200
"""More wait only behind a disk that has stopped."""
BATCH = 64
APPEND_S = 3.0
LOCK_S = 2.0
LOCK_STEP_S = 0.005
CLOSE_S = 2.0
MEGABYTE_BYTES = 1_000_000


class AuditError(PartError):
    """A line could not be written: what it is about must not happen."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    fact: Fact
    done: Callable[[Head | OSError], None]


class AuditFile:
    """Use as a context manager, before the first session; `append` within an event loop."""

    def __init__(self, path: Path, *, key: bytes | None = None, max_mb: float = 100) -> None:
        """With a key hashes are HMACs. Past `max_mb` it becomes `<path>.1`, then `<path>.2`."""
        self.path = path
        self.seal = Seal(key)
        self.head = Head()
        """The last line that was written here; whoever keeps its hash can tell a cut end."""
        self._max_bytes = max_mb * MEGABYTE_BYTES
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(WAITING_FACTS)
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def __enter__(self) -> AuditFile:
        """Open it; raises AuditError if it can't be written, or was made with another key."""
        try:
            with self._locked() as lock, self._open() as file:
                self.head = look(file, lock, self.head).head
                left = read_end(file)
        except OSError as error:
            raise AuditError(f"the audit {self.path} can't be written: {error}") from error
        if left.last and not self.seal.holds(left.last):
            raise AuditError(
                f"the audit {self.path} ends with a line that was not written with "
                f"{'this key' if self.seal.key else 'no key'}. Mend BARGEIN_AUDIT_KEY, "
                "or name another file; the old one stays as it is."
            )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Write what waits, within a bound."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_S)
            self._thread.join(CLOSE_S)
        if self.head.seq:
            seq, made = self.head.seq, self.head.hash
            logger.info("the audit {} ends at line {}, {}", self.path, seq, made)

    async def append(self, fact: Fact) -> Head:
        """Write a line; when this returns it is on the disk. AuditError: it may not be there."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Head] = loop.create_future()

        def done(result: Head | OSError) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, written, result)

        try:
            self._waiting.put_nowait(_Waiting(fact, done))
            return await asyncio.wait_for(written, APPEND_S)
        except (queue.Full, TimeoutError) as error:
            raise AuditError(f"the audit {self.path} is not written in {APPEND_S:.0f} s") from error
        except OSError as error:
            raise AuditError(f"the audit {self.path} can't be written: {error}") from error

    # --- in the thread -------------------------------------------------------------------

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, is_last = [first], False
            while len(batch) < BATCH and not is_last and not self._waiting.empty():
                more = self._waiting.get()
                is_last = more is None
                batch += [more] if more else []
            self._write_all(batch)
            if is_last:
                return

    def _write_all(self, batch: Sequence[_Waiting]) -> None:
        try:
            heads: Sequence[Head | OSError] = self._append([each.fact for each in batch])
        except OSError as error:
            logger.error("the audit {} can't be written: {}", self.path, error)
            heads = [error] * len(batch)
        except Exception as error:  # the outermost plug: whoever waits must be told
            logger.exception("the audit {} has failed", self.path)
            heads = [OSError(str(error))] * len(batch)
        for each, result in zip(batch, heads, strict=True):
            each.done(result)

    def _append(self, facts: Sequence[Fact]) -> list[Head]:
        with self._locked() as lock:
            with self._open() as file:
                left = look(file, lock, self.head)
            if left.size_bytes > self._max_bytes and not left.torn:
                left = self._rotate(left)
            with self._open() as file:
                data, heads = self._lines(left, facts)
                _write_or_undo(file, left.size_bytes, data)
            self.head = heads[-1]
            os.ftruncate(lock, 0)
            os.pwrite(lock, head_line(self.head, left.size_bytes + len(data)), 0)
        return heads

    def _lines(self, left: Left, facts: Sequence[Fact]) -> tuple[bytes, list[Head]]:
        """Seal the facts behind what is there; what is odd there is said first."""
        written, head, heads = left.separator, left.head, []
        odd = left.odd(self.seal)
        segment = [Fact(Event.SEGMENT, reason=odd)] if odd else []
        for fact in [*segment, *facts]:
            line, head = self.seal.line(fact.entry(at=_now(), behind=head, seal=self.seal))
            written += line
            heads.append(head)
        return written, heads[len(segment) :]

    def _rotate(self, left: Left) -> Left:
        """Put the file aside; the chain goes on in a new one."""
        numbers = [int(each.suffix[1:]) for each in older_parts(self.path)]
        next_number = max(numbers, default=0) + 1
        self.path.rename(self.path.with_name(f"{self.path.name}.{next_number}"))
        return Left(left.head, 0)

    @contextmanager
    def _open(self) -> Iterator[int]:
        # Anew for each batch: it may have been moved meanwhile.
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.path.parent)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        if fcntl is None:
            raise OSError("this system lacks the file locks that it needs")
        descriptor = os.open(head_path(self.path), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, time.monotonic() + LOCK_S)
            yield descriptor
        finally:
            os.close(descriptor)  # which unlocks it


def _lock(descriptor: int, until_s: float) -> None:
    """Take the lock; OSError if somebody else holds it for too long."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise OSError(f"another process has kept it locked for {LOCK_S:.0f} s") from None
            time.sleep(LOCK_STEP_S)
        else:
            return


def _write_or_undo(descriptor: int, size_bytes: int, data: bytes) -> None:
    """Have it on the disk, all of it or nothing."""
    try:
        rest = data
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size_bytes)
        raise


def _sync_folder(folder: Path) -> None:
    """A new file is there after a crash only if its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(written: asyncio.Future[Head], result: Head | OSError) -> None:
    if written.done():
        return
    if isinstance(result, OSError):
        written.set_exception(result)
    else:
        written.set_result(result)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
