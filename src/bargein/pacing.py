"""How far ahead of the listener the bot's audio may run; time is an argument."""

from __future__ import annotations


class Pacing:
    """Lets audio out in real time, at most `lead_ms` ahead of what can have been played.

    `horizon_ms` is the time at which all that was let out will have been played.
    After a dry spell it starts anew from now: nothing is ever sent faster to catch up.
    """

    def __init__(self, lead_ms: float) -> None:
        """Begin with nothing let out."""
        self._lead_ms = lead_ms
        self._horizon_ms = float("-inf")

    def wait_ms(self, now_ms: float) -> float:
        """How long until more may be let out; 0 means now."""
        return max(0.0, self._horizon_ms - now_ms - self._lead_ms)

    def let_out(self, duration_ms: float, now_ms: float) -> None:
        """Count audio of this duration as let out now."""
        self._horizon_ms = max(self._horizon_ms, now_ms) + duration_ms

    def unplayed_ms(self, now_ms: float) -> float:
        """How much of what was let out can't have been played yet."""
        return max(0.0, self._horizon_ms - now_ms)

    def overdue_ms(self, now_ms: float) -> float:
        """How long ago everything let out should have been played; negative if not yet."""
        return now_ms - self._horizon_ms

    def restart(self, now_ms: float) -> None:
        """Forget what was let out: a pause or a cut made it void."""
        self._horizon_ms = now_ms
