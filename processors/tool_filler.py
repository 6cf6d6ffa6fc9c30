"""Says that it takes a moment, once in a turn, where a tool is slow and nothing was heard yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

from bargein.processors.clock import Clock, Timer


class Filler:
    """Knows when a phrase is due; `ToolCalls` says it when it may be said."""

    def __init__(self, clock: Clock, *, after_ms: float, phrases: Sequence[str]) -> None:
        """Without phrases nothing is ever due."""
        self._clock, self._after_ms = clock, after_ms
        self._phrases = cycle(phrases) if phrases else None
        self._timer: Timer | None = None
        self._heard = False
        self.is_due = False
        """So much time has passed, and nothing was heard."""
        self.sounds = False
        """What the bot says now is a phrase of these, and nothing else."""

    def turn_over(self) -> None:
        """The user has said something new: whatever is heard next is the answer's."""
        self._stop()
        self._heard = False

    def call_began(self, poke: Callable[[], None]) -> None:
        """A tool is at work; `poke` is called when a phrase is due."""
        if self._phrases and not self._timer and not self._heard:
            self._timer = self._clock.call_later(self._after_ms, lambda: self._due(poke))

    def say(self) -> str:
        """Give the next phrase, which is said now."""
        self._stop()
        self._heard = self.sounds = True
        assert self._phrases is not None
        return next(self._phrases)

    def bot_started(self) -> None:
        """The bot is heard."""
        self._heard = True
        self._stop()

    def bot_ended(self) -> None:
        """It is silent again."""
        self.sounds = False

    def _due(self, poke: Callable[[], None]) -> None:
        self.is_due = not self._heard
        poke()

    def _stop(self) -> None:
        self.is_due = False
        if self._timer:
            self._timer.cancel()
            self._timer = None
