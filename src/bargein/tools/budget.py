"""What a session and the user behind it may spend, and what they have spent.

A limit that is reached stays reached: it is final. Nothing here knows a clock or a store; who
counts minutes tells them, and several sessions of one identity share an `Account`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

NEARLY = 0.8
"""So much of a limit is worth a line in the log."""
EPSILON = 1e-9
"""Sums of prices are not exact."""


class What(StrEnum):
    """What is counted."""

    TOKENS = "tokens"
    TOOL_CALLS = "tool_calls"
    COST = "cost"
    MINUTES = "minutes"


class Whose(StrEnum):
    """Whose limit it is."""

    SESSION = "session"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Use:
    """What was used; `cost` is in the currency of the configuration."""

    tokens: int = 0
    tool_calls: int = 0
    cost: float = 0.0
    minutes: float = 0.0

    def __add__(self, other: Use) -> Use:
        """Add up."""
        return Use(
            self.tokens + other.tokens,
            self.tool_calls + other.tool_calls,
            self.cost + other.cost,
            self.minutes + other.minutes,
        )

    def of(self, what: What) -> float:
        """How much of this."""
        return float(getattr(self, what))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be used; None is as much as one likes."""

    tokens: int | None = None
    tool_calls: int | None = None
    cost: float | None = None
    minutes: float | None = None

    def of(self, what: What) -> float | None:
        """How much of this."""
        most = getattr(self, what)
        return None if most is None else float(most)


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What one token costs."""

    prompt: float = 0.0
    completion: float = 0.0


@dataclass(slots=True, weakref_slot=True)
class Account:
    """What one identity has used in the present window, as far as is known here."""

    used: Use = field(default_factory=Use)
    unsaved: Use = field(default_factory=Use)
    """What of it no store knows yet."""

    def spend(self, use: Use) -> None:
        """Add what a session has used."""
        self.used += use
        self.unsaved += use


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that is reached, or nearly."""

    whose: Whose
    what: What
    most: float
    used: float

    @property
    def code(self) -> str:
        """Name it in a word, for logs and the audit."""
        return f"{self.whose}_{self.what}"

    def __str__(self) -> str:
        """Name it in a few words."""
        return f"{self.what} of the {self.whose}: {self.used:.6g} of {self.most:.6g} used"


class Budget:
    """What one session may still spend; the policy of tools asks it, too."""

    def __init__(
        self,
        session: Limits,
        identity: Limits,
        *,
        account: Account | None = None,
        price: TokenPrice = TokenPrice(),
    ) -> None:
        """`account` is what the identity has used, shared with its other sessions."""
        self._limits = {Whose.SESSION: session, Whose.IDENTITY: identity}
        self.account = account or Account()
        self.used = Use()
        self.reached: Limit | None = None
        """The first limit that was reached: final."""
        self._price = price
        self._told: set[tuple[Whose, What]] = set()
        self.look(at_start=True)

    def change_account(self, account: Account) -> None:
        """From here on what is used counts in another window."""
        self.account = account
        self.look()

    def spend(self, use: Use) -> None:
        """Count what was used."""
        self.used += use
        self.account.spend(use)
        self.look()

    def spend_tokens(self, prompt: int, completion: int) -> None:
        """Count tokens, with their price; negative ones correct an estimate."""
        cost = prompt * self._price.prompt + completion * self._price.completion
        self.spend(Use(tokens=prompt + completion, cost=cost))

    def look(self, *, at_start: bool = False) -> None:
        """See whether a limit is reached; others may have spent of the same account.

        Who has used the last tool call goes on: the limit is the call after that. A new session
        of an identity without any is not begun.
        """
        for each in self._all():
            is_call = each.what is What.TOOL_CALLS
            counts = not is_call or (at_start and each.whose is Whose.IDENTITY and each.most > 0)
            if self.reached is None and counts and each.used >= each.most - EPSILON:
                self.reached = each

    @property
    def nearly(self) -> list[Limit]:
        """Limits of which 80 % are used, each told once."""
        found = [
            each
            for each in self._all()
            if (each.whose, each.what) not in self._told
            and each.most > 0
            and each.used >= NEARLY * each.most - EPSILON
        ]
        self._told |= {(each.whose, each.what) for each in found}
        return found

    def left(self, what: What) -> float | None:
        """How much of this the session may still use; None is as much as one likes."""
        rests = [max(0.0, each.most - each.used) for each in self._all() if each.what is what]
        return min(rests, default=None)

    # --- what the policy of tools asks ----------------------------------------------------

    def admits(self, cost: float) -> str | None:
        """Say why a call of this cost is too much; None if it is not. To be refused is final."""
        asked = Use(tool_calls=1, cost=cost)
        for each in self._all():
            if self.reached is None and each.used + asked.of(each.what) > each.most + EPSILON:
                self.reached = each
        if self.reached is None:
            return None
        return f"The budget is used up ({self.reached.what}). Nothing more runs."

    def charge_call(self, cost: float) -> None:
        """Count a call."""
        self.spend(Use(tool_calls=1, cost=cost))

    def return_call(self, cost: float) -> None:
        """Take back a call that was counted and did not run."""
        self.spend(Use(tool_calls=-1, cost=-cost))

    def _all(self) -> Iterator[Limit]:
        for whose, limits in self._limits.items():
            used = self.used if whose is Whose.SESSION else self.account.used
            for what in What:
                most = limits.of(what)
                if most is not None:
                    yield Limit(whose, what, most, used.of(what))
