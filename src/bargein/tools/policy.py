"""The one place that says whether a proposed call may run, and whether its result may be used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from bargein.tools.keywords import MASK, Json
from bargein.tools.proposal import Admitted, Code, Proposal, Refusal
from bargein.tools.rates import Calls
from bargein.tools.size import Bounds, too_large
from bargein.tools.tool import Tool

MAX_ID_CHARACTERS = 128
MAX_NAME_CHARACTERS = 64
MIN_SECRET_CHARACTERS = 6
"""Shorter values of the environment, like `1`, would mask half a result."""
ASK_DIFFERENTLY = "Do not repeat the call as it is."


class Allowance(Protocol):
    """What the session and the user may still spend."""

    def admits(self, cost: float) -> str | None:
        """Say why a call of this cost is too much; None if it is not."""

    def charge_call(self, cost: float) -> None:
        """Count a call."""

    def return_call(self, cost: float) -> None:
        """Take back a call that was counted and did not run."""


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """Bounds that hold for every tool."""

    arguments: Bounds = field(default_factory=Bounds)
    at_once: int = 8
    """Calls of a session that run or wait at the same time."""
    per_turn: int = 16
    """Calls that the LLM may propose between two turns of the user; then it is not asked again."""


class ToolPolicy:
    """Decides for one session; it remembers every call, so that none runs twice."""

    def __init__(
        self,
        tools: Iterable[Tool],
        *,
        allowance: Allowance | None = None,
        rules: PolicyRules | None = None,
    ) -> None:
        """Take what may be proposed; names are unique."""
        self.tools: Mapping[str, Tool] = MappingProxyType({tool.name: tool for tool in tools})
        self._allowance, self._rules = allowance, rules or PolicyRules()
        self._calls = {name: Calls(tool.rate) for name, tool in self.tools.items() if tool.rate}
        self._seen: set[str] = set()
        self._open: dict[str, tuple[str, str]] = {}
        self._proposed = 0

    def begin_turn(self) -> None:
        """The user has said something new: the LLM may propose again."""
        self._proposed = 0

    def propose(self, proposal: Proposal, *, now_ms: float) -> Admitted | Refusal:
        """Admit a call, which counts from here on until it is settled, or say why not."""
        self._proposed += 1
        refusal = self._refusal(proposal, now_ms)
        self._seen.add(proposal.call_id)
        if refusal:
            return refusal
        tool = self.tools[proposal.name]
        self._open[proposal.call_id] = (tool.name, _digest(proposal.arguments))
        if tool.name in self._calls:
            self._calls[tool.name].count(now_ms)
        if self._allowance:
            self._allowance.charge_call(tool.cost)
        return Admitted(proposal.call_id, tool, proposal.arguments)

    def settle(self, call_id: str, *, ran: bool) -> None:
        """A call that was admitted is over; one that did not run costs nothing."""
        name, _ = self._open.pop(call_id, ("", ""))
        if name and not ran and self._allowance:
            self._allowance.return_call(self.tools[name].cost)

    @property
    def open(self) -> int:
        """How many calls run, or wait for the user's yes."""
        return len(self._open)

    def check_result(
        self, tool: Tool, result: Json, *, secrets: Iterable[str] = ()
    ) -> Refusal | Json:
        """Give what of a result goes to the LLM; a Refusal where it is not as declared.

        `secrets` are the values that the handler was given and nobody else is told.
        """
        wrong = too_large(result, Bounds(bytes=tool.max_result_bytes))
        if wrong:
            return Refusal(Code.BAD_RESULT, f"The answer of {tool.name} {wrong}; it is not used.")
        found = tool.result.violations(result) if tool.result else ()
        if found:
            message = f"{tool.name} answered otherwise than declared; its answer is not used."
            return Refusal(Code.BAD_RESULT, message)
        told = tool.result.told(result) if tool.result else result
        return _without(told, [each for each in secrets if len(each) >= MIN_SECRET_CHARACTERS])

    def _refusal(self, proposal: Proposal, now_ms: float) -> Refusal | None:
        """Hold a call against every rule; the first that it breaks counts."""
        return (
            self._of_reply(proposal)
            or self._of_call(proposal)
            or self._of_arguments(proposal)
            or self._of_use(proposal, now_ms)
        )

    def _of_reply(self, proposal: Proposal) -> Refusal | None:
        if proposal.is_stale:
            return Refusal(Code.STALE, "The reply that this call is of was given up.")
        if proposal.is_speculative:
            return Refusal(Code.SPECULATIVE, "The reply that this call is of is not confirmed.")
        if self._proposed > self._rules.per_turn:
            message = f"More than {self._rules.per_turn} calls since the user last spoke."
            return Refusal(Code.TOO_MANY_CALLS, message, is_final=True)
        return None

    def _of_call(self, proposal: Proposal) -> Refusal | None:
        if not 0 < len(proposal.call_id) <= MAX_ID_CHARACTERS:
            return Refusal(Code.DUPLICATE_CALL, "A call needs an id of its own.")
        if proposal.call_id in self._seen:
            return Refusal(Code.DUPLICATE_CALL, "There was a call with this id before.")
        if proposal.name not in self.tools or not proposal.is_advertised:
            known = ", ".join(self.tools) or "none"
            name = proposal.name[:MAX_NAME_CHARACTERS]
            return Refusal(Code.UNKNOWN_TOOL, f"No tool is called {name!r}. Tools: {known}.")
        return None

    def _of_arguments(self, proposal: Proposal) -> Refusal | None:
        if proposal.is_malformed:
            message = "The arguments are no valid JSON. Write one JSON object."
            return Refusal(Code.MALFORMED_JSON, message)
        if wrong := too_large(proposal.arguments, self._rules.arguments):
            return Refusal(Code.TOO_LARGE, f"The value of the arguments {wrong}.")
        found = self.tools[proposal.name].arguments.violations(proposal.arguments)
        if found:
            message = "The arguments do not fit the tool's schema. Correct them, or ask the user."
            return Refusal(Code.INVALID_ARGUMENTS, message, found)
        return None

    def _of_use(self, proposal: Proposal, now_ms: float) -> Refusal | None:
        tool = self.tools[proposal.name]
        if (tool.name, _digest(proposal.arguments)) in self._open.values():
            message = "The same call is running already; its result will come. " + ASK_DIFFERENTLY
            return Refusal(Code.ALREADY_RUNNING, message)
        if len(self._open) >= self._rules.at_once:
            message = f"{self._rules.at_once} calls run already. Wait for their results."
            return Refusal(Code.TOO_MANY_CALLS, message)
        wait_ms = self._calls[tool.name].wait_ms(now_ms) if tool.name in self._calls else 0
        if wait_ms > 0:
            message = f"{tool.name} may run {tool.rate}; again in {wait_ms / 1000:.0f} s."
            return Refusal(Code.TOO_MANY_CALLS, f"{message} Tell the user.")
        if self._allowance and (reason := self._allowance.admits(tool.cost)):
            return Refusal(Code.OVER_BUDGET, reason)
        return None


def _digest(arguments: Json) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)


def _without(value: Json, secrets: list[str]) -> Json:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {_without(key, secrets): _without(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    return value
