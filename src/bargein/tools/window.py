"""The window that an identity's budget is of: an hour, a day or a month, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum


class Per(StrEnum):
    """How long a budget lasts."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


FORMATS = {Per.HOUR: "%Y-%m-%dT%H", Per.DAY: "%Y-%m-%d", Per.MONTH: "%Y-%m"}


def window_of(per: Per, now: datetime) -> str:
    """Name the window that a moment is in, like `2026-11-21`."""
    return now.astimezone(UTC).strftime(FORMATS[per])
