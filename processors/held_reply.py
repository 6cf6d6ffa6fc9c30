"""A reply that may not be said yet: its frames wait in front of the playout, or are forgotten."""

from __future__ import annotations

from collections import deque

from pipecat.frames.frames import Frame, InterruptionFrame, TTSAudioRawFrame

DROPPED = "bargein_dropped"
"""Key of the metadata of an InterruptionFrame that ends a provisional reply and nothing else."""
DROPPED_WITHIN_MS = 1_000
"""An interruption that has not come by then was lost on its way, in a part that failed."""


class HeldReply:
    """Keeps what comes, in order, from `hold` until `let_go` or `drop`."""

    def __init__(self) -> None:
        """Nothing is held."""
        self._frames: deque[Frame] | None = None
        self._released = False
        self._dropping = 0
        self._dropped_ms = 0.0
        self.first_audio_ms: float | None = None
        """When the first audio of the reply came; the caller's clock."""

    @property
    def holding(self) -> bool:
        """Whether what comes may not be said yet."""
        return self._frames is not None and not self._released

    def hold(self) -> None:
        """What comes from now on belongs to a reply that may never be said."""
        self._frames, self._released, self.first_audio_ms = deque(), False, None

    def let_go(self) -> None:
        """It may be said: `next` gives what was held."""
        self._released = True

    def drop(self, now_ms: float) -> None:
        """It is never said; what of it still comes, until its interruption does, is forgotten."""
        self.forget()
        self._dropping += 1
        self._dropped_ms = now_ms

    def forget(self) -> None:
        """Nothing is held any more."""
        self._frames, self._released = None, False

    def take(self, frame: Frame, now_ms: float) -> bool:
        """Whether the frame is kept, or forgotten; if not, it goes on as always."""
        if not frame.interruptible:
            return False
        if self._dropping and now_ms - self._dropped_ms < DROPPED_WITHIN_MS:
            return True
        self._dropping = 0
        if self._frames is None:
            return False
        if isinstance(frame, TTSAudioRawFrame) and self.first_audio_ms is None:
            self.first_audio_ms = now_ms
        self._frames.append(frame)
        return True

    def next(self) -> Frame | None:
        """Give the next frame that may be said; None if there is none."""
        if not self._released:
            return None
        if self._frames:
            return self._frames.popleft()
        # What comes now follows at once.
        self.forget()
        return None

    def interrupted(self, frame: InterruptionFrame) -> bool:
        """An interruption passes; whether it was for a dropped reply, and ends here."""
        if frame.metadata.get(DROPPED):
            self._dropping = max(0, self._dropping - 1)
            if self.holding:
                # What came before it is of the dropped reply, however slow it was.
                self.hold()
            return True
        if self.holding:
            # It was on its way before the reply was begun, and is not about it.
            self._frames = deque()
        else:
            self.forget()
        return False
