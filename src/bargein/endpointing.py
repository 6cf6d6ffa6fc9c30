"""The words for the end of a user's turn."""

from __future__ import annotations

from enum import StrEnum


class EndedBy(StrEnum):
    """Why a turn was called complete."""

    SMART_TURN = "smart_turn"
    """Smart turn called it complete at a pause."""
    SILENCE = "silence"
    """The silence had lasted."""
    NO_TRANSCRIPT = "no_transcript"
    """The silence had lasted, and the recogniser said nothing for its time."""
    OTHER = "other"
    """Somebody else in the pipeline ended it."""
    SESSION = "session"
    """The session ended before the turn did."""
