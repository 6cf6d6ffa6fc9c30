"""What may be spent, by whom, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bargein.tools.budget import Account, Budget, Limits, TokenPrice, Use, What
from bargein.tools.window import Per, window_of

NONE = Limits()
ALL = Limits(tokens=100, tool_calls=2, cost=1.0, minutes=3.0)


@dataclass(frozen=True)
class Case:
    """What is used of ALL, and which limit that reaches."""

    used: tuple[Use, ...]
    reached: str | None


CASES = [
    Case((), None),
    Case((Use(tokens=99, tool_calls=2, cost=0.99, minutes=2.9),), None),
    Case((Use(tokens=60), Use(tokens=40)), "session_tokens"),
    Case((Use(cost=0.1),) * 10, "session_cost"),
    Case((Use(minutes=3),), "session_minutes"),
    Case((Use(minutes=3), Use(tokens=100)), "session_minutes"),
    Case((Use(tokens=100), Use(tokens=-50)), "session_tokens"),
]


def code(budget: Budget) -> str | None:
    return budget.reached.code if budget.reached else None


@pytest.mark.parametrize("case", CASES)
def test_the_first_limit_that_is_reached_is_final(case: Case) -> None:
    budget = Budget(ALL, NONE)
    for use in case.used:
        budget.spend(use)
    assert code(budget) == case.reached


CALLS = [
    (ALL, NONE, (0, 0, 0), (True, True, False), "session_tool_calls"),
    (NONE, ALL, (0, 0, 0), (True, True, False), "identity_tool_calls"),
    (Limits(cost=1.0), NONE, (0.4, 0.6, 0.1), (True, True, False), "session_cost"),
    (Limits(cost=1.0), NONE, (0.4, 0.7), (True, False), "session_cost"),
    (Limits(tool_calls=0), NONE, (0,), (False,), "session_tool_calls"),
    (NONE, NONE, (1e9, 1e9), (True, True), None),
]


@pytest.mark.parametrize(("session", "identity", "costs", "admitted", "reached"), CALLS)
def test_a_call_that_would_go_beyond_is_not_admitted_and_nothing_is_after_it(
    session: Limits,
    identity: Limits,
    costs: tuple[float, ...],
    admitted: tuple[bool, ...],
    reached: str | None,
) -> None:
    budget = Budget(session, identity)
    told = []
    for cost in costs:
        reason = budget.admits(cost)
        told.append(reason is None)
        if reason is None:
            budget.charge_call(cost)
    assert tuple(told) == admitted
    # A sum that is the limit exactly is spent; of calls the one beyond must be asked for.
    assert code(budget) == reached
    if reached:
        assert budget.admits(0.0), "final"


def test_a_call_that_did_not_run_costs_nothing() -> None:
    budget = Budget(ALL, NONE)
    budget.charge_call(0.5)
    budget.return_call(0.5)
    assert budget.used == Use()


def test_tokens_have_prices() -> None:
    budget = Budget(Limits(cost=1.0), NONE, price=TokenPrice(prompt=0.001, completion=0.01))
    budget.spend_tokens(100, 50)
    assert budget.used.tokens == 150
    assert budget.used.cost == pytest.approx(0.6)
    budget.spend_tokens(0, -10)
    assert budget.left(What.COST) == pytest.approx(0.5)
    budget.spend_tokens(0, 50)
    assert code(budget) == "session_cost"


def test_two_sessions_of_one_identity_count_together() -> None:
    account = Account()
    one, other = (Budget(NONE, Limits(tokens=100), account=account) for _ in range(2))
    one.spend(Use(tokens=60))
    other.spend(Use(tokens=40))
    one.look()
    assert code(one) == code(other) == "identity_tokens"
    assert one.used.tokens == 60


START = [
    (Use(tokens=100), "identity_tokens"),
    (Use(tool_calls=2), "identity_tool_calls"),
    (Use(tokens=99, tool_calls=1), None),
]


@pytest.mark.parametrize(("used", "reached"), START)
def test_an_identity_that_has_used_all_begins_no_session(used: Use, reached: str | None) -> None:
    assert code(Budget(NONE, ALL, account=Account(used))) == reached


def test_a_bot_that_may_call_no_tool_may_talk_and_is_not_warned() -> None:
    budget = Budget(Limits(tool_calls=0), Limits(tool_calls=0))
    assert budget.reached is None
    assert budget.nearly == []


def test_a_new_window_is_a_new_account() -> None:
    budget = Budget(NONE, ALL, account=Account(Use(tokens=99)))
    budget.change_account(Account())
    budget.spend(Use(tokens=99))
    assert budget.reached is None


def test_each_limit_that_is_nearly_reached_is_told_once() -> None:
    budget = Budget(ALL, NONE)
    budget.spend(Use(tokens=80, cost=0.7))
    assert [str(each) for each in budget.nearly] == ["tokens of the session: 80 of 100 used"]
    budget.spend(Use(cost=0.1))
    assert [each.what for each in budget.nearly] == [What.COST]
    assert budget.nearly == []


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 200))
def test_nobody_is_over_by_more_than_one_step(steps: list[int], most: int) -> None:
    budget = Budget(Limits(tokens=most), NONE)
    for step in steps:
        if budget.reached:
            break
        budget.spend_tokens(step, 0)
    assert budget.used.tokens < most + 40
    assert (budget.reached is not None) == (budget.used.tokens >= most)


@pytest.mark.parametrize(
    ("per", "window"),
    [(Per.HOUR, "2026-11-21T23"), (Per.DAY, "2026-11-21"), (Per.MONTH, "2026-11")],
)
def test_windows_are_of_utc(per: Per, window: str) -> None:
    assert window_of(per, datetime.fromisoformat("2026-11-22T00:30+01:00")) == window
