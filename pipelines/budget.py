"""The key `budget` of a configuration: path, store, and the meter of a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bargein.config.budget import BudgetSettings
from bargein.config.problems import Problem
from bargein.config.tree import Data, Node, Scalar, Table
from bargein.pipelines.ledger import located
from bargein.processors.budget_store import BudgetStore
from bargein.processors.meter import Meter, Spending


def locate(
    settings: BudgetSettings | None, node: Node | None, found: list[Problem]
) -> BudgetSettings | None:
    """Take the path from the folder of the file that names it, and see that it can be written."""
    named = node.get("path") if isinstance(node, Table) else None
    if settings is None or settings.path is None or not isinstance(named, Scalar):
        return settings
    path = located(settings.path, named, "budget.path", found)
    return settings.model_copy(update={"path": path})


def shown(settings: BudgetSettings | None, home: Path) -> Data:
    """Write the settings as they take effect; the path starts at the configuration's folder."""
    if settings is None:
        return None
    told: dict[str, Data] = settings.model_dump(mode="json")
    if settings.path is not None:
        told["path"] = Path(os.path.relpath(settings.path, home)).as_posix()
    return told


@contextmanager
def open_budgets(settings: BudgetSettings | None) -> Iterator[BudgetStore | None]:
    """Open what identities have used, for as many sessions as there are; raises BudgetError."""
    if settings is None:
        yield None
        return
    with BudgetStore(settings.path) as store:
        yield store


def meter(
    settings: BudgetSettings | None, identity: str, store: BudgetStore | None, *, session: str
) -> Meter | None:
    """Make the meter of a session; without a store it shares with no other session."""
    if settings is None:
        return None
    spending = Spending(
        identity=identity,
        session=settings.session.limits,
        of_identity=settings.identity.limits,
        per=settings.identity.per,
        price=settings.price.price,
    )
    return Meter(spending, store, name=session)
