"""The key `budget`: what is refused at load, and what takes effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bargein.pipelines.effective import to_yaml
from bargein.pipelines.load import Config
from bargein.tools.budget import Limits
from bargein.tools.window import Per
from tests.config.conftest import GOOD

Load = Callable[..., Config]
BUDGET = GOOD + (
    "budget:\n"
    "  session: {tokens: 10, minutes: 1.5}\n"
    "  identity: {tool_calls: 3, per: month}\n"
    "  price: {completion: 0.5}\n"
    "  path: out/budgets.sqlite\n"
)


def test_there_is_none_by_default(load_text: Load) -> None:
    assert load_text().budget is None
    assert "budget: null" in to_yaml(load_text())


def test_what_is_left_out_has_no_limit(load_text: Load) -> None:
    Path("out").mkdir()
    budget = load_text(BUDGET).budget
    assert budget
    assert budget.session.limits == Limits(tokens=10, minutes=1.5)
    assert (budget.identity.limits, budget.identity.per) == (Limits(tool_calls=3), Per.MONTH)
    assert budget.path == Path("out/budgets.sqlite")


def test_what_is_shown_can_be_read_again(load_text: Load) -> None:
    Path("out").mkdir()
    first = load_text(BUDGET)
    again = load_text(to_yaml(first))
    assert (again.budget, again.digest) == (first.budget, first.digest)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{session: {token: 5}}", ":12:20: budget.session: there is no key 'token' here."),
        ("{session: {tokens: 0}}", ":12:20: budget.session.tokens: must be at least 1"),
        ("{session: {tokens: many}}", ":12:20: budget.session.tokens:"),
        ("{identity: {per: week}}", ":12:21: budget.identity.per: must be one of 'hour', 'day'"),
        ("{session: {minutes: -1}}", ":12:20: budget.session.minutes: must be more than 0"),
        ("{price: {prompt: free}}", ":12:18: budget.price.prompt:"),
        ("{path: nowhere/b.sqlite}", ":12:16: budget.path: there is no folder 'nowhere'."),
    ],
)
def test_a_mistake_is_named_at_its_place(
    problems_of: Callable[..., list[str]], written: str, says: str
) -> None:
    (line,) = problems_of(f"{GOOD}budget: {written}\n")
    assert line.startswith(f"bot.yaml{says}"), line


def test_a_limit_can_be_set_for_once(load_text: Load) -> None:
    budget = load_text(GOOD, "budget.session.tool_calls=0").budget
    assert budget
    assert budget.session.tool_calls == 0
