"""What an LLM proposes, and how it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bargein.tools.keywords import Json
from bargein.tools.tool import Tool
from bargein.tools.violations import Violation


class Code(StrEnum):
    """Why a call came to nothing; the LLM, the audit and the log know it by this word."""

    UNKNOWN_TOOL = "unknown_tool"
    DUPLICATE_CALL = "duplicate_call"
    STALE = "stale"
    SPECULATIVE = "speculative"
    MALFORMED_JSON = "malformed_json"
    TOO_LARGE = "too_large"
    INVALID_ARGUMENTS = "invalid_arguments"
    ALREADY_RUNNING = "already_running"
    TOO_MANY_CALLS = "too_many_calls"
    OVER_BUDGET = "over_budget"
    NOT_CONFIRMED = "not_confirmed"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    BAD_RESULT = "bad_result"
    CANCELLED = "cancelled"


SILENT = frozenset({Code.STALE, Code.SPECULATIVE})
"""Nobody waits for an answer to these: the reply that they belong to is gone."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call as the LLM wrote it."""

    call_id: str
    name: str
    arguments: Json
    is_malformed: bool = False
    """Its arguments are no JSON; they are not looked at."""
    is_stale: bool = False
    """The reply that it is of was interrupted or dropped."""
    is_speculative: bool = False
    """The reply that it is of is not confirmed yet."""
    is_advertised: bool = True
    """The LLM was told of a tool of this name in the context that it answers."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may run."""

    call_id: str
    tool: Tool
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that may not run, or whose result may not be used."""

    code: Code
    message: str
    """For the LLM: what is wrong and what to do; no value of anybody's in it."""
    violations: tuple[Violation, ...] = ()
    is_final: bool = False
    """The LLM has proposed enough in this turn: it is not asked again."""

    def as_json(self) -> dict[str, Json]:
        """Give it as the result that the LLM reads."""
        error: dict[str, Json] = {"code": self.code.value, "message": self.message}
        if self.violations:
            error["violations"] = [each.as_json() for each in self.violations]
        return {"error": error}
