"""The log says why an offer was refused, and nobody can flood it."""

from __future__ import annotations

from contextlib import suppress

from fastapi import HTTPException

from bargein.transports.local.refusals import MOST_A_MINUTE, MOST_CHARS, Refusals


class Log:
    """What was said, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now_ms = 0.0
        self._refusals = Refusals(warn=self.lines.append, clock_ms=lambda: self.now_ms)

    def refuse(self, status: int, reason: str) -> None:
        """An offer is refused."""
        with suppress(HTTPException), self._refusals.told():
            raise HTTPException(status, reason)


def test_a_refusal_is_told_with_its_reason() -> None:
    log = Log()
    log.refuse(429, "this room is full")
    assert log.lines == ["an offer was refused (429): this room is full"]


def test_after_ten_in_a_minute_they_are_counted_and_the_sum_is_told_in_the_next() -> None:
    log = Log()
    for _ in range(1000):
        log.refuse(400, "nonsense")
    assert len(log.lines) == MOST_A_MINUTE + 1
    assert log.lines[-1] == "more offers are refused; for a minute they are only counted"
    log.now_ms = 60_000
    log.refuse(429, "this room is full")
    assert log.lines[MOST_A_MINUTE + 1 :] == [
        f"{1000 - MOST_A_MINUTE} more offers were refused",
        "an offer was refused (429): this room is full",
    ]


def test_what_a_stranger_sent_stays_one_short_line_that_a_terminal_does_not_obey() -> None:
    log = Log()
    log.refuse(400, "can't be read: \x1b[2J\n12:00:00 all is well" + "x" * 1000)
    (line,) = log.lines
    assert line.isprintable()
    assert len(line) < MOST_CHARS + 50
