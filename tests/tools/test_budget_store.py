"""What identities have used is shared by sessions and processes, and names nobody."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loguru import logger

from bargein.processors.budget_store import BudgetError, BudgetStore
from bargein.processors.meter import MS_PER_MINUTE, Meter, Spending
from bargein.tools.budget import Limits, Use
from bargein.tools.window import Per

DAY = "2026-11-21"
USED = Use(tokens=7, tool_calls=1, cost=0.5, minutes=0.25)


async def spend(store: BudgetStore, use: Use = USED, identity: str = "anna") -> Use:
    account = await store.account(identity, DAY)
    account.spend(use)
    await store.save(account, identity, DAY)
    return account.used


async def test_what_was_used_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "budgets.sqlite"
    for count in (1, 2):
        with BudgetStore(path) as store:
            assert (await spend(store)).tokens == 7 * count
    with BudgetStore(path) as store:
        assert (await store.account("anna", "2026-11-22")).used == Use()
        assert (await store.account("berta", DAY)).used == Use()


async def test_the_file_is_its_owners_and_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "budgets.sqlite"
    with BudgetStore(path) as store:
        await spend(store, identity="anna@example.org")
    left = b"".join(each.read_bytes() for each in tmp_path.iterdir())  # noqa: ASYNC240
    assert b"anna" not in left
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [None, "budgets.sqlite"])
async def test_sessions_of_one_identity_share_an_account(tmp_path: Path, name: str | None) -> None:
    with BudgetStore(tmp_path / name if name else None) as store:
        one, other = await store.account("anna", DAY), await store.account("anna", DAY)
        one.spend(USED)
        assert other.used == USED


async def test_what_is_spent_while_the_disk_is_at_work_counts_once(tmp_path: Path) -> None:
    with BudgetStore(tmp_path / "b") as store:
        account = await store.account("anna", DAY)
        account.spend(USED)
        saving = [asyncio.create_task(store.save(account, "anna", DAY)) for _ in range(3)]
        await asyncio.sleep(0)
        account.spend(USED)
        await asyncio.gather(*saving)
        assert account.used == USED + USED
        await store.save(account, "anna", DAY)
        assert account.used == USED + USED


OTHER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from bargein.processors.budget_store import BudgetStore
    from bargein.tools.budget import Use

    async def main():
        with BudgetStore(Path(sys.argv[1])) as store:
            account = await store.account("anna", "2026-11-21")
            for _ in range(50):
                account.spend(Use(tokens=1))
                await store.save(account, "anna", "2026-11-21")

    asyncio.run(main())
    """
)


@pytest.mark.slow
async def test_processes_that_share_a_file_count_together(tmp_path: Path) -> None:
    path = tmp_path / "budgets.sqlite"
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", OTHER, str(path))
        for _ in range(3)
    ]
    async with asyncio.timeout(60):
        assert [await each.wait() for each in others] == [0, 0, 0]
    with BudgetStore(path) as store:
        assert (await store.account("anna", DAY)).used.tokens == 150


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("no database, but long enough to be read as the header of one\n" * 20)
    for path in (wrong, tmp_path / "nowhere" / "b", tmp_path):
        with pytest.raises(BudgetError, match=path.name), BudgetStore(path):
            pass


class Hands:
    """A clock and a calendar that are set by hand."""

    def __init__(self) -> None:
        self.ms = 0.0
        self.now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)


@pytest.fixture
def hands() -> Hands:
    return Hands()


Make = Callable[..., Meter]


@pytest.fixture
def make(hands: Hands) -> Make:
    def meter(
        store: BudgetStore | None = None,
        session: Limits = Limits(),  # noqa: B008  (frozen)
        of_identity: Limits = Limits(),  # noqa: B008
    ) -> Meter:
        spending = Spending("anna", session, of_identity, Per.DAY)
        return Meter(spending, store, now=lambda: hands.now, clock_ms=lambda: hands.ms)

    return meter


async def ran(meter: Meter) -> None:
    """Have it count and save once, as it does each second and at the end."""
    meter._closing.clear()
    running = asyncio.create_task(meter.run())
    await asyncio.sleep(0)
    meter.close()
    await asyncio.wait_for(running, 5)


async def test_minutes_pass_by_the_monotonic_clock(make: Make, hands: Hands) -> None:
    meter = make(session=Limits(minutes=2))
    await meter.open()
    hands.ms += 1.5 * MS_PER_MINUTE
    await ran(meter)
    assert (meter.used.minutes, meter.spent.is_set()) == (1.5, False)
    hands.ms += 0.5 * MS_PER_MINUTE
    await ran(meter)
    assert meter.spent.is_set()


async def test_a_limit_of_minutes_is_met_in_time(make: Make, hands: Hands) -> None:
    loop = asyncio.get_running_loop()
    meter = Meter(Spending("anna", session=Limits(minutes=0.1 / 60)))
    await meter.open()
    begun_s = loop.time()
    running = asyncio.create_task(meter.run())
    await asyncio.wait_for(meter.spent.wait(), 5)
    assert 0.09 <= loop.time() - begun_s < 0.9
    meter.close()
    await running


async def test_past_midnight_the_day_begins_anew(make: Make, hands: Hands) -> None:
    with BudgetStore() as store:
        meter = make(store, of_identity=Limits(tokens=10))
        await meter.open()
        meter.spend_tokens(9, 0)
        hands.now = datetime(2026, 11, 22, 0, 1, tzinfo=UTC)
        await ran(meter)
        meter.spend_tokens(9, 0)
        assert not meter.spent.is_set()
        assert meter.used.tokens == 18
        meter.spend_tokens(1, 0)
        assert meter.spent.is_set()


async def test_what_another_session_used_ends_this_one(make: Make) -> None:
    with BudgetStore() as store:
        one, other = (make(store, of_identity=Limits(tokens=10)) for _ in range(2))
        await one.open()
        await other.open()
        other.spend_tokens(10, 0)
        assert not one.spent.is_set()
        await ran(one)
        assert one.spent.is_set()
        late = make(store, of_identity=Limits(tokens=10))
        await late.open()
        assert late.spent.is_set()


async def test_a_store_that_can_not_be_read_begins_no_session(make: Make, tmp_path: Path) -> None:
    with BudgetStore(tmp_path / "b") as store:
        await store.account("berta", DAY)
        with sqlite3.connect(tmp_path / "b") as database:
            database.execute("DROP TABLE used")
        with pytest.raises(BudgetError):
            await make(store).open()


async def test_a_store_that_fails_in_a_session_is_counted_for_and_told_once(
    make: Make, tmp_path: Path
) -> None:
    lines: list[str] = []
    handler = logger.add(lines.append, level="ERROR", format="{message}")
    path = tmp_path / "b"
    with BudgetStore(path) as store:
        meter = make(store, of_identity=Limits(tokens=10))
        await meter.open()
        with sqlite3.connect(path) as database:
            database.execute("ALTER TABLE used RENAME TO gone")
        meter.spend_tokens(4, 0)
        await ran(meter)
        with sqlite3.connect(path) as database:
            database.execute("ALTER TABLE gone RENAME TO used")
        meter.spend_tokens(5, 0)
        await ran(meter)
    logger.remove(handler)
    assert len(lines) == 1
    with BudgetStore(path) as store:
        assert (await store.account("anna", DAY)).used.tokens == 9


async def test_the_event_loop_goes_on_while_the_store_is_waited_for(tmp_path: Path) -> None:
    with BudgetStore(tmp_path / "b") as store:
        account = await store.account("anna", DAY)
        gate = threading.Event()
        store._thread.submit(gate.wait, 5)
        saving = asyncio.create_task(store.save(account, "anna", DAY))
        await asyncio.sleep(0)
        assert not saving.done()
        gate.set()
        await asyncio.wait_for(saving, 5)
