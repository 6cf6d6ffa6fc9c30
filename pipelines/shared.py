"""What the sessions of one bot share: opened before the first one, closed after the last one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bargein.pipelines.audit import open_audit
from bargein.pipelines.budget import open_budgets
from bargein.pipelines.load import Config
from bargein.processors.audit_file import AuditFile
from bargein.processors.budget_store import BudgetStore
from bargein.processors.sandbox.opening import Mode
from bargein.processors.tool_runs import SandboxedTools


@dataclass(frozen=True, slots=True)
class Shared:
    """Each is None where the configuration asks for none."""

    budgets: BudgetStore | None = None
    """What identities have used."""
    audit: AuditFile | None = None
    """Where tool calls and limits are written."""
    runs: SandboxedTools | None = None
    """Where tools run; None gives each session a sandbox of its own."""


NOTHING = Shared()


@contextmanager
def open_shared(config: Config) -> Iterator[Shared]:
    """Open all that the configuration asks for; BargeinError if something can't be opened."""
    with (
        open_budgets(config.budget) as budgets,
        open_audit(config.tool_rules.audit, os.environ) as audit,
    ):
        yield Shared(budgets, audit, sandboxed(config))


def sandboxed(config: Config) -> SandboxedTools:
    """Give what runs the tools of a configuration; nothing is started yet."""
    return SandboxedTools(config.tools, mode=Mode(config.tool_rules.sandbox))
