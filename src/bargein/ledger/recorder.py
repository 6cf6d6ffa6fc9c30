"""The ledger of one session: hears of everything, and gives a line for each thing that is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.ledger.barge_ins import BargeIns
from bargein.ledger.entries import BargeIn, Turn
from bargein.ledger.past import Told
from bargein.ledger.turns import Turns
from bargein.ledger.watcher import Stage, Watcher
from bargein.protocol import Message, Ping

CONFIG_DIGITS = 16


class Sink(Protocol):
    """Where lines go; `write` returns at once, and never raises."""

    def write(self, entry: BargeIn | Turn) -> None:
        """Take a line."""


@dataclass(frozen=True, slots=True)
class About:
    """What all lines of a session have in common."""

    session: str
    config: str
    """Hash of the effective configuration."""
    began: datetime
    """The wall clock, with its zone, at `began_ms` of the monotonic one."""
    began_ms: float
    sample_rate_hz: int
    settings: dict[str, dict[str, Any]]

    def header(self, opened_ms: float) -> dict[str, Any]:
        """What a line begins with."""
        wall = self.began + timedelta(milliseconds=opened_ms - self.began_ms)
        return {
            "session": self.session,
            "config": self.config[:CONFIG_DIGITS],
            "wall_time": wall.isoformat(timespec="milliseconds"),
            "opened_ms": opened_ms,
        }


class Recorder(Watcher):
    """See the module; `now_ms` is the clock that the arbiter is told the time of."""

    def __init__(self, sink: Sink, about: About, now_ms: Callable[[], float]) -> None:
        """Begin with nothing under way."""
        self._now_ms = now_ms
        self._seen: dict[str, float] = {}
        self._barge_ins = BargeIns(about.header, about.settings, sink.write)
        self._turns = Turns(about.header, sink.write, about.sample_rate_hz)

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        """The arbiter was told something."""
        given = dict(facts)
        at_ms = given.pop("now_ms", None)
        if name == "window":
            given |= self._seen
            self._seen = {}
        told = Told(self._now_ms() if at_ms is None else at_ms, name, given, standing)
        waiting = self._barge_ins.open
        before = self._barge_ins.count
        self._barge_ins.told(told, orders)
        decided = self._barge_ins.decided
        fresh = decided is waiting or self._barge_ins.count > before
        self._turns.told(told, orders, decided.number if decided and fresh else None)

    def window(self, **seen: float) -> None:
        """What the next window is like."""
        self._seen = seen

    def received(self, message: Message) -> None:
        """A message came from the client."""
        now_ms = self._now_ms()
        if isinstance(message, Ping) and message.round_trip_ms is not None:
            self._barge_ins.clock.take(message.round_trip_ms, message.offset_ms or 0.0)
        self._barge_ins.received(message, now_ms)
        self._turns.received(message, now_ms)

    def sent(self, message: Message) -> None:
        """A message goes to the client."""
        now_ms = self._now_ms()
        self._barge_ins.sent(message, now_ms)
        self._turns.sent(message, now_ms)

    def sent_audio(self, utterance: int) -> None:
        """A packet of the bot's voice goes to the client."""
        self._turns.sent_audio(utterance, self._now_ms())

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here."""
        self._barge_ins.cut(cut)
        self._turns.cut(cut)

    def resumed(self) -> None:
        """The bot takes up what was cut off."""
        self._barge_ins.resumed()

    def stage(self, stage: Stage) -> None:
        """The reply has reached this stage."""
        self._turns.stage(stage, self._now_ms())

    def turn_over(self, ended_by: EndedBy) -> None:
        """Why the turn is about to end."""
        self._turns.turn_over(ended_by)

    def close(self) -> None:
        """The session is over: write what there is."""
        self._barge_ins.close()
        self._turns.close()
