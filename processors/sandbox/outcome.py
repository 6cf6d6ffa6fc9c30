"""What becomes of a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bargein.tools.keywords import Json


class Failure(StrEnum):
    """Why a call has no result."""

    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    BAD_ANSWER = "bad_answer"
    TOO_LARGE = "too_large"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


MESSAGES = {
    Failure.TIMED_OUT: "The tool took too long and was stopped.",
    Failure.OUT_OF_MEMORY: "The tool wanted more memory than it may have, and was stopped.",
    Failure.CRASHED: "The tool ended without an answer.",
    Failure.BAD_ANSWER: "The tool's answer could not be read.",
    Failure.TOO_LARGE: "The tool's answer was too large.",
    Failure.FAILED: "The tool failed.",
    Failure.UNAVAILABLE: "The tool is not available now.",
}
"""For the LLM: no word of the tool's own, which may hold keys or somebody else's orders."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned this; nobody has held it against a schema yet."""

    value: Json
    duration_ms: float
    """From the wish to call it, a wait for a free place included."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no result."""

    code: Failure
    message: str
    """For the LLM."""
    duration_ms: float
