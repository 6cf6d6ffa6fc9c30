"""What goes wrong with Daily, in one sentence and with the way out."""

from __future__ import annotations

from bargein.errors import BargeinError


class DailyError(BargeinError):
    """Daily can't be reached, or refuses."""
