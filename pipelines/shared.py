"""What the sessions of one bot share: opened before the first one, closed after the last one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bargein.pipelines.audit import open_audit
from bargein.pipelines.budget import open_budgets
from bargein.pipelines.load import Config
from bargein.pipelines.mcp import open_servers
from bargein.processors.audit_file import AuditFile
from bargein.processors.budget_store import BudgetStore
from bargein.processors.sandbox.opening import Mode
from bargein.processors.tool_runs import SandboxedTools

if TYPE_CHECKING:
    from bargein.processors.mcp_thread import McpThread


@dataclass(frozen=True, slots=True)
class Shared:
    """Each is None where the configuration asks for none."""

    budgets: BudgetStore | None = None
    """What identities have used."""
    audit: AuditFile | None = None
    """Where tool calls and limits are written."""
    runs: SandboxedTools | None = None
    """Where tools run; None gives each session a sandbox of its own."""
    servers: McpThread | None = None
    """Whose tools there are beside the declared ones."""


NOTHING = Shared()


@contextmanager
def open_shared(config: Config) -> Iterator[Shared]:
    """Open all that the configuration asks for; BargeinError if something can't be opened."""
    with (
        open_budgets(config.budget) as budgets,
        open_audit(config.tool_rules.audit, os.environ) as audit,
        open_servers(config) as servers,
    ):
        yield Shared(budgets, audit, sandboxed(config), servers)


def sandboxed(config: Config) -> SandboxedTools:
    """Give what runs the tools of a configuration; nothing is started yet."""
    return SandboxedTools(config.tools, mode=Mode(config.tool_rules.sandbox))
