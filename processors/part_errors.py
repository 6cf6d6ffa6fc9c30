"""What a part's error means for a conversation: a code, and a sentence without keys or hosts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipecat.frames.frames import ErrorFrame
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.utils.errors import ErrorCategory

from bargein.processors.vendor import Access, without_keys

LIMITED = (ErrorCategory.RATE_LIMIT, ErrorCategory.QUOTA)
REFUSED = (ErrorCategory.AUTHENTICATION, ErrorCategory.AUTHORIZATION)


@dataclass(frozen=True, slots=True)
class PartFailure:
    """One error of one part."""

    part: str
    code: str
    """`key_refused`, `limit_reached`, or `processor_failed`."""
    reason: str
    """For the log and the operator: what was said, no keys in it."""
    known: bool
    """The reason says all: the lines of code that it passed through would not help."""
    lost: bool
    """Neither it nor anybody in its place can work any more."""

    @property
    def told(self) -> str:
        """For the client, which need not know whose service it is."""
        outcome = "it can't work any more" if self.lost else "the conversation goes on"
        return f"{self.part} failed, {outcome}; the server's log says why"


def failure_of(frame: ErrorFrame, parts: Iterable[FrameProcessor]) -> PartFailure:
    """Read Pipecat's error; `parts` are those of the pipeline."""
    category = frame.category
    access = getattr(frame.processor, "access", None)
    reason = without_keys(frame.error)
    if category in REFUSED and isinstance(access, Access):
        vendor = access.vendor
        reason = (
            f"{vendor.name} refuses the key in {vendor.key_variable}. Set it to one that is good."
        )
    code = "processor_failed"
    if category in REFUSED:
        code = "key_refused"
    elif category in LIMITED:
        code = "limit_reached"
    return PartFailure(
        part=getattr(frame.processor, "name", "a part of the bot"),
        code=code,
        reason=reason,
        known=category not in (None, ErrorCategory.UNKNOWN),
        lost=not all(part.is_usable for part in parts),
    )
