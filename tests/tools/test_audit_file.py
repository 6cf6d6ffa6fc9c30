"""A line is on the disk before anything runs, whoever else writes and whatever broke before."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bargein.errors import BargeinError
from bargein.pipelines.audit import KEY, key_of, open_audit, read_audit
from bargein.processors.audit_file import AuditError, AuditFile
from bargein.processors.audit_tail import head_path
from bargein.processors.audit_trail import Trail
from bargein.tools.audit import Event, Fact
from bargein.tools.audit_check import Checked, Fault
from tests.tools.audit_scenes import CALL

STEP = Fact(Event.PROPOSED, tool="book", call_id="c", arguments={"seats": 2})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


async def write(path: Path, count: int = 1, *, key: bytes | None = None, max_mb: float = 1) -> None:
    with AuditFile(path, key=key, max_mb=max_mb) as file:
        for _ in range(count):
            await file.append(STEP)


def kept(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def moved(path: Path) -> Path:
    return path.rename(path.with_name("old.jsonl"))


def seqs(found: Checked) -> list[int]:
    return [line.entry.seq for line in found.lines]


async def test_what_was_appended_is_read_again_in_order(path: Path) -> None:
    with AuditFile(path) as file:
        trail = Trail(file, session="s", identity="anna", bot="cafe", config="c0ffee")
        for fact in CALL:
            await trail.note(fact.event, tool=fact.tool, arguments=fact.arguments, code=fact.code)
    found = read_audit(path, {})
    assert found.broken is None
    assert [line.entry.event for line in found.lines] == [fact.event for fact in CALL]
    assert {(line.entry.session, line.entry.identity) for line in found.lines} == {("s", "anna")}
    assert os.stat(path).st_mode & 0o077 == 0, "what people ask for is for its owner"  # noqa: PTH116


async def test_without_a_file_nothing_is_written_and_that_is_fine() -> None:
    await Trail().note(Event.STARTED, tool="book")
    assert Trail().digest({"a": 1}) == ""


async def test_sessions_that_write_at_once_make_one_chain(path: Path) -> None:
    with AuditFile(path) as file:
        await asyncio.gather(*(file.append(STEP) for _ in range(150)))
    assert seqs(read_audit(path, {})) == list(range(1, 151))


async def test_later_sessions_go_on_with_the_chain(path: Path) -> None:
    for _ in range(3):
        await write(path, 2)
    assert seqs(read_audit(path, {})) == [1, 2, 3, 4, 5, 6]


WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from bargein.processors.audit_file import AuditFile
    from bargein.tools.audit import Event, Fact

    async def main():
        with AuditFile(Path(sys.argv[1]), max_mb=0.004) as file:
            for number in range(40):
                await file.append(Fact(Event.PROPOSED, tool=sys.argv[2], call_id=str(number)))

    asyncio.run(main())
    """
)


@pytest.mark.slow
async def test_processes_that_share_it_make_one_chain_over_all_its_parts(path: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path), name)
        for name in ("one", "two", "three")
    ]
    async with asyncio.timeout(60):
        assert [await each.wait() for each in writers] == [0, 0, 0]
    found = read_audit(path, {})
    assert found.broken is None, str(found.broken)
    assert seqs(found) == list(range(1, 121))
    assert path.with_name("audit.jsonl.2").exists(), "it has become too large several times"
    assert [
        [line.entry.call_id for line in found.lines if line.entry.tool == name]
        for name in ("one", "two", "three")
    ] == [[str(number) for number in range(40)]] * 3


@pytest.mark.slow
async def test_a_process_that_is_killed_leaves_all_that_it_was_told_is_written(path: Path) -> None:
    code = WRITER.replace("range(40)", "range(10**9)").replace(
        "call_id=str(number)))", "call_id=str(number))); print(number, flush=True)"
    )
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), "one", stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout
    async with asyncio.timeout(30):
        told = [(await writer.stdout.readline()).decode().strip() for _ in range(30)]
        writer.kill()
        told += (await writer.stdout.read()).decode().split()
        await writer.wait()
    await write(path)
    found = read_audit(path, {})
    assert found.broken is None, str(found.broken)
    assert set(told) <= {line.entry.call_id for line in found.lines}


async def test_half_a_line_is_kept_and_said_and_the_chain_goes_on(path: Path) -> None:
    await write(path, 2)
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":3,"at')
    await write(path, 1)
    found = read_audit(path, {})
    assert found.broken is None
    assert [line.entry.event for line in found.lines][2:] == [Event.SEGMENT, Event.PROPOSED]
    assert "half a line of 18 bytes" in found.lines[2].entry.reason
    assert b'"seq":3,"at\n' in kept(path), "nothing is dropped"


async def test_a_crash_at_any_byte_of_a_line_breaks_no_chain(path: Path) -> None:
    await write(path, 1)
    first, beside = kept(path), kept(head_path(path))
    await write(path, 1)
    whole = kept(path)
    for cut in range(len(first), len(whole), 23):
        put(path, whole[:cut])
        put(head_path(path), beside)
        await write(path, 1)
        found = read_audit(path, {})
        assert found.broken is None, (cut, str(found.broken))
        assert found.lines[-1].entry.event is Event.PROPOSED


async def test_a_line_that_lacks_only_its_end_is_a_line(path: Path) -> None:
    await write(path, 2)
    put(path, kept(path).rstrip(b"\n"))
    await write(path, 1)
    assert seqs(read_audit(path, {})) == [1, 2, 3]


async def test_lines_that_were_cut_off_meanwhile_are_missed(path: Path) -> None:
    await write(path, 4)
    lines = kept(path).splitlines(keepends=True)
    put(path, b"".join(lines[:2]))
    broken = read_audit(path, {}).broken
    assert broken, "the file beside it knows better"
    assert broken.fault is Fault.MISSING
    await write(path, 1)
    broken = read_audit(path, {}).broken
    assert broken
    assert (broken.place.line, broken.fault) == (3, Fault.MISSING)
    assert "line 4 had been written" in kept(path).decode()


async def test_a_running_bot_misses_them_even_where_the_file_beside_it_was_cut_too(
    path: Path,
) -> None:
    with AuditFile(path) as file:
        await file.append(STEP)
        before = kept(path), kept(head_path(path))
        await file.append(STEP)
        put(path, before[0])
        put(head_path(path), before[1])
        await file.append(STEP)
    broken = read_audit(path, {}).broken
    assert broken
    assert (broken.place.line, broken.fault) == (2, Fault.MISSING)


async def test_a_file_that_was_moved_away_is_gone_on_with_in_a_new_one(path: Path) -> None:
    await write(path, 3)
    last = read_audit(moved(path), {}).head.hash
    await write(path, 1)
    assert read_audit(path, {}).broken, "what is older is not there"
    found = read_audit(path, {}, after=last)
    assert found.broken is None
    assert seqs(found) == [4, 5]


async def test_the_file_beside_it_may_be_lost(path: Path) -> None:
    await write(path, 2)
    head_path(path).unlink()
    await write(path, 1)
    assert seqs(read_audit(path, {})) == [1, 2, 3]


async def test_a_key_must_be_the_one_that_it_was_begun_with(path: Path) -> None:
    key, other = b"k" * 32, b"o" * 32
    await write(path, 2, key=key)
    for wrong in (None, other):
        with pytest.raises(AuditError, match=KEY):
            await write(path, 1, key=wrong)
    await write(path, 1, key=key)
    assert read_audit(path, {KEY: key.decode()}).broken is None
    assert read_audit(path, {}).broken
    assert read_audit(path, {KEY: other.decode()}).broken


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(BargeinError, match="openssl rand"):
        key_of({KEY: "secret"})
    assert key_of({}) is None


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """Let no file of this process grow past a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def test_a_full_disk_is_told_to_who_would_have_run_and_leaves_no_half_line(
    path: Path,
) -> None:
    with AuditFile(path) as file:
        await file.append(STEP)
        before = kept(path)
        with full_disk(len(before) + 40), pytest.raises(AuditError, match="File too large"):
            await file.append(STEP)
        assert kept(path) == before
        await file.append(STEP)
    assert seqs(read_audit(path, {})) == [1, 2]


async def test_what_goes_wrong_with_one_line_leaves_the_next_one_be(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AuditFile(path) as file:
        with monkeypatch.context() as broken:
            broken.setattr(AuditFile, "_lines", lambda *_: 1 / 0)
            with pytest.raises(AuditError):
                await file.append(STEP)
        await file.append(STEP)
    assert seqs(read_audit(path, {})) == [1]


async def test_a_folder_that_is_gone_is_told_to_who_would_have_run(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with AuditFile(folder / "audit.jsonl") as file:
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
        with pytest.raises(AuditError):
            await file.append(STEP)
    with pytest.raises(AuditError), open_audit(folder / "audit.jsonl", {}):
        pass


async def test_a_lock_that_somebody_keeps_is_an_error_in_bounded_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bargein.processors.audit_file.LOCK_S", 0.1)
    with AuditFile(path) as file:
        held = os.open(head_path(path), os.O_RDWR)
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match="locked"):
            await file.append(STEP)
        os.close(held)
        await file.append(STEP)
    assert seqs(read_audit(path, {})) == [1]


async def test_the_event_loop_goes_on_while_the_disk_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    at_the_disk, may_go_on = asyncio.Event(), threading.Event()

    def slow(descriptor: int) -> None:
        loop.call_soon_threadsafe(at_the_disk.set)
        may_go_on.wait(5)

    with AuditFile(path) as file:
        await file.append(STEP)
        monkeypatch.setattr(os, "fsync", slow)
        appending = asyncio.create_task(file.append(STEP))
        await asyncio.wait_for(at_the_disk.wait(), 5)
        assert not appending.done(), "it counts as written only when it is on the disk"
        may_go_on.set()
        assert (await asyncio.wait_for(appending, 5)).seq == 2
