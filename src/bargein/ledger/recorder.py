"""The ledger of one session: hears of everything, and gives a line for each thing that is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bargein.arbiter import Accept, Pause, Reject
from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.failover import FailedOver
from bargein.latency import Stage
from bargein.ledger.barge_ins import BargeIns
from bargein.ledger.entries import Absence, AnyEntry, Result, SessionEnd, Speculated, TookOver
from bargein.ledger.past import Told
from bargein.ledger.reporter import Reporter, Reporters
from bargein.ledger.tally import Tally
from bargein.ledger.turns import Turns
from bargein.ledger.watcher import Watcher
from bargein.protocol import Message, Ping
from bargein.speculation import Counts, Outcome, Prediction, Resolved

CONFIG_DIGITS = 16


class Sink(Protocol):
    """Where lines go; `write` returns at once, and never raises."""

    def write(self, entry: AnyEntry) -> None:
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
    """See the module; `now_ms` is the clock that the arbiter is told the time of.

    Without a sink no line is written, and of barge-ins only the verdicts are followed: to keep
    their evidence is most of the work.
    """

    def __init__(
        self,
        sink: Sink | None,
        about: About,
        now_ms: Callable[[], float],
        reporters: Iterable[Reporter] = (),
    ) -> None:
        """Begin with nothing under way; the reporters hear at once of what is over."""
        self._now_ms = now_ms
        self._about, self._sink = about, sink
        self._seen: dict[str, float] = {}
        self._tally = Tally()
        self._reporter = Reporters([self._tally, *reporters])
        self._contested = False
        self._absences: list[tuple[float, float | None]] = []
        write = sink.write if sink else _forget
        self._barge_ins = BargeIns(about.header, about.settings, write) if sink else None
        self._turns = Turns(about.header, write, about.sample_rate_hz, self._reporter)

    @property
    def needs_standing(self) -> bool:
        """Only a replay needs it."""
        return self._barge_ins is not None

    def told(
        self,
        name: str,
        facts: Mapping[str, Any],
        standing: Mapping[str, Any],
        orders: Sequence[Any],
    ) -> None:
        """The arbiter was told something."""
        at_ms = facts.get("now_ms")
        told = Told(self._now_ms() if at_ms is None else at_ms, name, facts, standing)
        number = None
        if self._barge_ins:
            number = self._record(self._barge_ins, told, orders)
        for order in orders:
            self._judge(order, name)
        self._turns.told(told, orders, number)

    def _record(self, barge_ins: BargeIns, told: Told, orders: Sequence[Any]) -> int | None:
        """Keep the evidence; gives the number of the barge-in that a verdict has just ended."""
        given = {fact: value for fact, value in told.facts.items() if fact != "now_ms"}
        if told.name == "window":
            given |= self._seen
            self._seen = {}
        waiting, before = barge_ins.open, barge_ins.count
        barge_ins.told(replace(told, facts=given), orders)
        decided = barge_ins.decided
        fresh = decided is waiting or barge_ins.count > before
        return decided.number if decided and fresh else None

    def _judge(self, order: object, told: str) -> None:
        """Report a verdict, if it ends a contest."""
        match order:
            case Pause():
                self._contested = True
            case Accept() if self._contested:
                self._contested = False
                stopped = told == "interrupted"
                self._reporter.judged(Result.INTERRUPTED if stopped else Result.ACCEPTED, "")
            case Reject(reason=reason) if self._contested:
                self._contested = False
                self._reporter.judged(Result.REJECTED, str(reason))

    def window(self, **seen: float) -> None:
        """What the next window is like."""
        self._seen = seen

    def received(self, message: Message) -> None:
        """A message came from the client."""
        now_ms = self._now_ms()
        if self._barge_ins:
            if isinstance(message, Ping) and message.round_trip_ms is not None:
                self._barge_ins.clock.take(message.round_trip_ms, message.offset_ms or 0.0)
            self._barge_ins.received(message, now_ms)
        self._turns.received(message, now_ms)

    def sent(self, message: Message) -> None:
        """A message goes to the client."""
        now_ms = self._now_ms()
        if self._barge_ins:
            self._barge_ins.sent(message, now_ms)
        self._turns.sent(message, now_ms)

    def sent_audio(self, utterance: int) -> None:
        """A packet of the bot's voice goes to the client."""
        self._turns.sent_audio(utterance, self._now_ms())

    def sounds(self, utterance: int, at_sample: int) -> None:
        """Where the utterance can be heard first."""
        self._turns.sounds(utterance, at_sample)

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here."""
        if self._barge_ins:
            self._barge_ins.cut(cut)
        self._turns.cut(cut)

    def resumed(self) -> None:
        """The bot takes up what was cut off."""
        if self._barge_ins:
            self._barge_ins.resumed()

    def stage(self, stage: Stage) -> None:
        """The reply has reached this stage."""
        self._turns.stage(stage, self._now_ms())

    def words_stand(self) -> None:
        """The words that are told next are not the recogniser's final ones."""
        self._turns.words_stand()

    def turn_over(self, ended_by: EndedBy) -> None:
        """Why the turn is about to end."""
        self._turns.turn_over(ended_by)

    def predicted(self, prediction: Prediction) -> None:
        """A reply is begun while the turn is still open."""
        self._turns.predicted(prediction)

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over."""
        self._turns.resolved(resolved)

    def client_lost(self) -> None:
        """The client's connection is lost."""
        self._absences.append((self._now_ms(), None))
        self._turns.client_lost()

    def client_returned(self) -> None:
        """The client is back."""
        now_ms = self._now_ms()
        lost_ms, _ = self._absences[-1]
        self._absences[-1] = (lost_ms, now_ms - lost_ms)
        self._turns.client_returned(now_ms - lost_ms)

    def failed_over(self, failed_over: FailedOver) -> None:
        """A part has failed, and another one has taken over."""
        self._reporter.failed_over(failed_over)

    def close(self) -> None:
        """The session is over: write what there is."""
        if self._barge_ins:
            self._barge_ins.close()
        self._turns.close()
        if self._sink:
            self._sink.write(self._summary(self._now_ms()))

    def _summary(self, now_ms: float) -> SessionEnd:
        tally = self._tally
        return SessionEnd(
            **self._about.header(self._about.began_ms),
            number=1,
            ended_ms=now_ms - self._about.began_ms,
            turns=tally.turns,
            misfires=tally.misfires,
            accepted=tally.barge_ins[Result.ACCEPTED],
            rejected=tally.barge_ins[Result.REJECTED],
            answers=len(tally.responses_ms),
            response_p50_ms=tally.response_ms(50),
            response_p95_ms=tally.response_ms(95),
            speculation=_speculated(tally.speculation),
            fail_overs=tuple(_took_over(each, self._about.began_ms) for each in tally.fail_overs),
            absences=tuple(
                Absence(at_ms=at_ms - self._about.began_ms, away_ms=away_ms)
                for at_ms, away_ms in self._absences
            ),
        )


def _speculated(counts: Counts) -> Speculated:
    return Speculated(
        predictions=counts.predictions,
        outcomes=counts.outcomes,
        hit_rate=counts.hit_rate,
        wasted_calls=counts.predictions - counts.outcomes.get(Outcome.CONFIRMED, 0),
        prompt_tokens=counts.prompt_tokens,
        completion_tokens=counts.completion_tokens,
        wasted_tokens=counts.wasted_tokens,
        tool_calls=counts.tool_calls,
        saved_ms=counts.saved_ms,
    )


def _took_over(failed_over: FailedOver, began_ms: float) -> TookOver:
    return TookOver(
        at_ms=failed_over.at_ms - began_ms,
        failed=failed_over.failed,
        took_over=failed_over.took_over,
        cause=failed_over.cause,
    )


def _forget(_: AnyEntry) -> None:
    """Write nothing."""
