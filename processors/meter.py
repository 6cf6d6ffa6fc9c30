"""Counts what a session uses, tells once when a limit is reached, and keeps the identity's store.

The decision is `bargein.tools.budget`'s. Tool calls are asked for by their policy, tokens come
from `metered_llm.py`, and minutes pass here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from loguru import logger

from bargein.processors.budget_store import BudgetError, BudgetStore
from bargein.processors.clock import monotonic_ms
from bargein.tools.budget import Budget, Limit, Limits, TokenPrice, Use, What
from bargein.tools.window import Per, window_of

SAVE_S = 1.0
"""Other processes learn so late what was used here."""
MS_PER_MINUTE = 60_000
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Spending:
    """Whose use is counted, and how much is allowed."""

    identity: str
    session: Limits = Limits()  # noqa: RUF009  (frozen)
    of_identity: Limits = Limits()  # noqa: RUF009
    per: Per = Per.DAY
    price: TokenPrice = TokenPrice()  # noqa: RUF009


class Meter:
    """One session's: `open` it, have `run` run, `close` it. It is a `tools.policy.Allowance`."""

    def __init__(
        self,
        spending: Spending,
        store: BudgetStore | None = None,
        *,
        name: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock_ms: Callable[[], float] = monotonic_ms,
    ) -> None:
        """Without a store the identity is forgotten with the session; the log calls it `name`."""
        self.spending = spending
        self._name = name
        self.spent = asyncio.Event()
        """A limit is reached: nothing is to run any more."""
        self._store = store or BudgetStore()
        self._now, self._clock_ms = now, clock_ms
        self._window = window_of(spending.per, now())
        self._budget = Budget(spending.session, spending.of_identity, price=spending.price)
        self._counted_ms = clock_ms()
        self._closing = asyncio.Event()

    @property
    def reached(self) -> Limit | None:
        """The limit that was reached first."""
        return self._budget.reached

    @property
    def used(self) -> Use:
        """What the session has used."""
        return self._budget.used

    async def open(self) -> None:
        """Learn what the identity has used already; BudgetError if that is not to be had."""
        spending = self.spending
        account = await self._store.account(spending.identity, self._window)
        self._budget = Budget(
            spending.session, spending.of_identity, account=account, price=spending.price
        )
        self._counted_ms = self._clock_ms()
        self._look()

    async def run(self) -> None:
        """Let minutes pass until `close`; a store that fails meanwhile is told in the log."""
        failing = False
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._wait_s())
            self._count_minutes()
            try:
                await self._save()
                failing = False
            except BudgetError as error:
                if not failing:
                    logger.error("session {}: {}; it counts on", self._name, error)
                failing = True

    def close(self) -> None:
        """The session is over: `run` saves once more, and ends."""
        self._closing.set()

    # --- what is used --------------------------------------------------------------------

    def spend_tokens(self, prompt: int, completion: int) -> None:
        """Count tokens of the LLM's; negative ones correct an estimate."""
        self._budget.spend_tokens(prompt, completion)
        self._look()

    def admits(self, cost: float) -> str | None:
        """Say why a tool call of this cost is too much; None if it is not."""
        reason = self._budget.admits(cost)
        self._look()
        return reason

    def charge_call(self, cost: float) -> None:
        """Count a tool call."""
        self._budget.charge_call(cost)
        self._look()

    def return_call(self, cost: float) -> None:
        """Take back a tool call that was counted and did not run."""
        self._budget.return_call(cost)

    # --- inside --------------------------------------------------------------------------

    def _look(self) -> None:
        for each in self._budget.nearly:
            logger.warning("session {}: the budget is nearly used up: {}", self._name, each)
        if self._budget.reached:
            self.spent.set()

    def _count_minutes(self) -> None:
        now_ms = self._clock_ms()
        self._budget.spend(Use(minutes=(now_ms - self._counted_ms) / MS_PER_MINUTE))
        self._counted_ms = now_ms
        self._look()

    def _wait_s(self) -> float:
        """Wake up for the next save, or when the minutes are over if that is earlier."""
        left = self._budget.left(What.MINUTES)
        if left is None or self._budget.reached:
            return SAVE_S
        return min(SAVE_S, left * SECONDS_PER_MINUTE)

    async def _save(self) -> None:
        await self._store.save(self._budget.account, self.spending.identity, self._window)
        window = window_of(self.spending.per, self._now())
        if window != self._window:
            self._window = window
            self._budget.change_account(await self._store.account(self.spending.identity, window))
        self._budget.look()
        self._look()
