"""Interruptions that a service was given and has not passed on.

Until it passes one on, what comes out of it is of the work before: the end of a reply that was
interrupted must not be taken for the end of the next one, which it may have been given already.
"""

from __future__ import annotations

from pipecat.frames.frames import Frame, InterruptionFrame


class PendingInterruptions:
    """Those on their way through a service."""

    def __init__(self) -> None:
        """Begin with none."""
        self.frames: list[Frame] = []

    def given(self, frame: InterruptionFrame) -> None:
        """One goes in."""
        self.frames.append(frame)

    def precedes(self, frame: Frame) -> bool:
        """A frame comes out; whether it is of the work before, or an interruption itself."""
        pending = bool(self.frames)
        self.frames = [each for each in self.frames if each.id != frame.id]
        return pending
