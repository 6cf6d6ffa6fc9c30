"""The key `budget` of a configuration, with its types and bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bargein.tools.budget import Limits, TokenPrice
from bargein.tools.window import Per

MONTH_MINUTES = 44_640
"""31 days."""


class SessionBudget(BaseModel):
    """What one session may use; what is left out has no limit."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    tokens: Annotated[
        int | None,
        Field(ge=1, description="Tokens of the LLM, prompts and dropped replies included."),
    ] = None
    tool_calls: Annotated[int | None, Field(ge=0, description="Tool calls that ran.")] = None
    cost: Annotated[
        float | None,
        Field(gt=0, description="Cost of tokens (`price`) and of tools, in any currency."),
    ] = None
    minutes: Annotated[
        float | None, Field(gt=0, le=MONTH_MINUTES, description="Minutes that sessions last.")
    ] = None

    @property
    def limits(self) -> Limits:
        """The limits alone."""
        return Limits(self.tokens, self.tool_calls, self.cost, self.minutes)


class IdentityBudget(SessionBudget):
    """What one identity may use in all its sessions; what is left out has no limit."""

    per: Annotated[Per, Field(strict=False, description="The time that it is for, in UTC.")] = (
        Per.DAY
    )


class Prices(BaseModel):
    """What one token costs."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    prompt: Annotated[float, Field(ge=0, description="One that the LLM reads.")] = 0
    completion: Annotated[float, Field(ge=0, description="One that it writes.")] = 0

    @property
    def price(self) -> TokenPrice:
        """The prices alone."""
        return TokenPrice(self.prompt, self.completion)


class BudgetSettings(BaseModel):
    """What may be used, and what is said when it is used up; see docs/budgets.md."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    session: Annotated[SessionBudget, Field(description="What one session may use.")] = (
        SessionBudget()
    )
    identity: Annotated[
        IdentityBudget, Field(description="What one identity may use in all its sessions.")
    ] = IdentityBudget()
    price: Annotated[Prices, Field(description="What one token costs.")] = Prices()
    at_limit: Annotated[
        str,
        Field(description="What the bot says at a limit, before it hangs up; empty says nothing."),
    ] = "I have to stop here. Goodbye."
    path: Annotated[
        Path | None,
        Field(
            description="A SQLite file with what identities have used, for several bots and for "
            "later; its folder must be there. Null keeps it in memory, until the bot ends."
        ),
    ] = None
