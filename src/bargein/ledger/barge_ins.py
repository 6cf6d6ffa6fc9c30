"""Gathers what belongs to one tentative barge-in until its line is complete.

A line is complete a second after the verdict, and if the user took the floor, once the turn
is over: then it is known whether it was a misfire. So lines may come out of order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bargein.arbiter import Accept, Ignore, OpenTurn, Pause, Reject
from bargein.cut import Cut
from bargein.floor import Floor
from bargein.ledger.client_clock import ClientClock
from bargein.ledger.entries import (
    Aftermath,
    AtStake,
    BargeIn,
    Client,
    Input,
    Latency,
    Opener,
    Result,
    Sent,
)
from bargein.ledger.past import MICROPHONE, Past, Told
from bargein.protocol import (
    Accepted,
    Contested,
    Ignored,
    Message,
    Rejected,
    SpeechEnded,
    SpokenWord,
    Truncate,
    Words,
)
from bargein.verdict import Evidence

TAIL_MS = 1_000
"""How long after the verdict the microphone is still recorded: other rules may wait for more."""
REPEATS_MS = 500
"""An ignored client stops asking within this time."""
MOST_REPEATS = 100
"""Of a truncate and of its answers; an honest client repeats it for as long as a verdict takes."""
KEPT_UTTERANCES = 4
A_TIME = "_since_ms"
"""Fields of the arbiter's state that end like this are times on its clock."""
OPENERS = {"truncate": Opener.CLIENT_VAD, "late_words": Opener.WORDS}
"""By the name of the arbiter's method; any other is the server's VAD."""


@dataclass(slots=True, eq=False)
class Pending:
    """A barge-in whose line is not complete."""

    number: int
    opened_ms: float
    opened_by: Opener
    floor: Floor
    utterance: int
    inputs: list[Told]
    truncates: list[tuple[float, Truncate]] = field(default_factory=list)
    last_truncate_ms: float = 0.0
    speech_ended_ms: float | None = None
    contested_ms: list[float] = field(default_factory=list)
    verdicts_ms: list[float] = field(default_factory=list)
    result: Result = Result.UNDECIDED
    reason: str | None = None
    at_sample: int | None = None
    verdict_ms: float | None = None
    evidence: Evidence | None = None
    at_stake: AtStake | None = None
    cut_number: int = 0
    aftermath: Aftermath | None = None
    turn_open: bool = False
    resumed: bool = False

    def take(self, told: Told) -> None:
        """Record what the arbiter was told; after the verdict, only what the microphone told."""
        ends_ms = told.at_ms if self.verdict_ms is None else self.verdict_ms + TAIL_MS
        if self.verdict_ms is None or (told.name in MICROPHONE and told.at_ms <= ends_ms):
            self.inputs.append(told)

    def take_truncate(self, at_ms: float, truncate: Truncate) -> None:
        """A client asked for it; one that asks without end is recorded within bounds."""
        self.last_truncate_ms = at_ms
        if len(self.truncates) < MOST_REPEATS:
            self.truncates.append((at_ms, truncate))

    def answered(self, answers_ms: list[float], at_ms: float) -> None:
        """The client was told something, again or for the first time."""
        if len(answers_ms) < MOST_REPEATS:
            answers_ms.append(at_ms)

    def decide(self, result: Result, reason: str | None, now_ms: float) -> None:
        """The verdict has fallen."""
        self.result, self.reason, self.verdict_ms = result, reason, now_ms

    def complete(self, now_ms: float) -> bool:
        """Whether nothing more can come."""
        if self.verdict_ms is None or self.turn_open:
            return False
        if self.result is Result.IGNORED:
            return now_ms - self.last_truncate_ms > REPEATS_MS
        return now_ms - self.verdict_ms > TAIL_MS


Finish = Callable[[BargeIn], None]
Header = Callable[[float], dict[str, Any]]
"""Gives session, config and the times that a line begins with, for the moment it was opened."""


@dataclass(slots=True)
class BargeIns:
    """All that are under way."""

    header: Header
    settings: dict[str, dict[str, Any]]
    finish: Finish
    clock: ClientClock = field(default_factory=ClientClock)
    past: Past = field(default_factory=Past)
    count: int = 0
    pending: list[Pending] = field(default_factory=list)
    last_truncate: tuple[float, Truncate] | None = None
    said: dict[int, dict[int, SpokenWord]] = field(default_factory=dict)
    """The bot's words, by utterance and index."""

    @property
    def open(self) -> Pending | None:
        """The one that waits for its verdict."""
        return next((each for each in self.pending if each.verdict_ms is None), None)

    @property
    def _ignored_one(self) -> Pending | None:
        """The one that a client asks for in vain."""
        return next((each for each in self.pending if each.result is Result.IGNORED), None)

    @property
    def contested(self) -> Pending | None:
        """The last one that the bot was paused for; its verdict may have come with it."""
        return next(
            (each for each in reversed(self.pending) if each.result is not Result.IGNORED), None
        )

    @property
    def decided(self) -> Pending | None:
        """The last one that had a verdict of the bot's own."""
        own = (Result.ACCEPTED, Result.REJECTED)
        return next((each for each in reversed(self.pending) if each.result in own), None)

    def told(self, told: Told, orders: Sequence[Any]) -> None:
        """The arbiter was told something, and gave these orders."""
        self._sweep(told.at_ms)
        self.past.take(told)
        for each in self.pending:
            each.take(told)
        for order in orders:
            self._follow(order, told)
        if Accept in map(type, orders) and OpenTurn() in orders and self.decided:
            self.decided.turn_open = True
        if told.name == "turn_ended":
            self._turn_ended(has_words=bool(told.facts["has_words"]))
        self._keep_truncate(told, ignored=any(isinstance(order, Ignore) for order in orders))

    def _follow(self, order: object, told: Told) -> None:
        match order:
            case Pause(utterance):
                self._open(told, utterance, inputs=self.past.before(told.at_ms))
            case Accept(_, at_sample, evidence=evidence) if waiting := self.open:
                stopped = told.name == "interrupted"
                result = Result.INTERRUPTED if stopped else Result.ACCEPTED
                waiting.at_sample, waiting.evidence = at_sample, evidence
                waiting.decide(result, None, told.at_ms)
                self.past.forget()
            case Reject(_, at_sample, reason, evidence=evidence) if waiting := self.open:
                waiting.at_sample, waiting.evidence = at_sample, evidence
                waiting.decide(Result.REJECTED, str(reason), told.at_ms)
                self.past.forget()
            case Ignore(reason) if self.open is None:
                self._ignored(told, reason)

    def _open(self, told: Told, utterance: int, *, inputs: list[Told]) -> Pending:
        self.count += 1
        opener = OPENERS.get(told.name, Opener.SERVER_VAD)
        if (
            opener is Opener.CLIENT_VAD
            and self.last_truncate
            and not self.last_truncate[1].detected
        ):
            opener = Opener.CLIENT
        opened = Pending(
            self.count, told.at_ms, opener, Floor(told.standing["floor"]), utterance, inputs
        )
        self.pending.append(opened)
        return opened

    def _ignored(self, told: Told, reason: str) -> None:
        """One line for all repeats of a truncate that does not apply."""
        if self._ignored_one is None:
            opened = self._open(told, int(told.facts["utterance"]), inputs=[told])
            opened.at_sample = int(told.facts["at_sample"])
            opened.decide(Result.IGNORED, reason, told.at_ms)

    def _keep_truncate(self, told: Told, *, ignored: bool) -> None:
        """Note the truncate with the barge-in that it belongs to."""
        if told.name != "truncate" or self.last_truncate is None:
            return
        owner = self._ignored_one if ignored else self.open or self.decided
        if owner:
            owner.take_truncate(*self.last_truncate)
        self.last_truncate = None

    def _turn_ended(self, *, has_words: bool) -> None:
        for each in self.pending:
            if each.turn_open:
                each.turn_open = False
                each.aftermath = Aftermath.TURN if has_words else Aftermath.MISFIRE

    def received(self, message: Message, now_ms: float) -> None:
        """A message came from the client; it is told to the arbiter next."""
        match message:
            case Truncate():
                self.last_truncate = (now_ms, message)
            case SpeechEnded() if waiting := self.open:
                waiting.speech_ended_ms = now_ms

    def sent(self, message: Message, now_ms: float) -> None:
        """A message goes to the client."""
        match message:
            case Contested() if contested := self.contested:
                contested.answered(contested.contested_ms, now_ms)
            case Ignored() if ignored := self._ignored_one:
                ignored.answered(ignored.verdicts_ms, now_ms)
            case Accepted() if decided := self.decided:
                decided.answered(decided.verdicts_ms, now_ms)
            case Rejected() if decided := self.decided:
                decided.answered(decided.verdicts_ms, now_ms)
                if decided.at_stake is None:
                    decided.at_stake = self._goes_on(message.utterance, message.at_sample)
            case Words(utterance=utterance, first_word=first, words=words):
                self._learn(utterance, first, words)

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here, or, for a cut that is known, the cut was really here."""
        known = next((each for each in self.pending if each.cut_number == cut.number), None)
        owner = known or self.decided
        if owner is None or (owner.cut_number and not known):
            return
        owner.cut_number = cut.number
        owner.at_stake = _at_stake(
            cut.utterance, cut.cut_samples, cut.heard, cut.unheard, corrected=known is not None
        )

    def _learn(self, utterance: int, first: int, words: tuple[SpokenWord, ...]) -> None:
        """Keep the words of the last utterances; they are told long before they are heard."""
        of_it = self.said.setdefault(utterance, {})
        of_it.update({first + n: word for n, word in enumerate(words)})
        for old in sorted(self.said)[:-KEPT_UTTERANCES]:
            del self.said[old]

    def _goes_on(self, utterance: int, at_sample: int) -> AtStake:
        """The bot goes on here: what was heard before, and what it says now."""
        of_it = self.said.get(utterance, {})
        words = [of_it[n] for n in sorted(of_it)]
        # The cut word counts when more than half of it was played.
        heard = [word.text for word in words if word.start_sample + word.end_sample < 2 * at_sample]
        rest = [word.text for word in words[len(heard) :]]
        behind = [said for number, said in sorted(self.said.items()) if number > utterance]
        rest += [said[n].text for said in behind for n in sorted(said)]
        return _at_stake(utterance, at_sample, " ".join(heard), " ".join(rest))

    def resumed(self) -> None:
        """The bot takes up what was cut off."""
        misfires = [each for each in self.pending if each.aftermath is Aftermath.MISFIRE]
        for each in misfires[-1:]:
            each.resumed = True

    def close(self) -> None:
        """Write what there is: nothing more comes."""
        self._write(self.pending)

    def _sweep(self, now_ms: float) -> None:
        self._write([each for each in self.pending if each.complete(now_ms)])

    def _write(self, complete: list[Pending]) -> None:
        self.pending = [each for each in self.pending if each not in complete]
        for each in complete:
            self.finish(self._entry(each))

    def _entry(self, pending: Pending) -> BargeIn:
        """Its line; times become relative to its opening."""

        def since(at_ms: float) -> float:
            return at_ms - pending.opened_ms

        return BargeIn(
            **self.header(pending.opened_ms),
            number=pending.number,
            opened_by=pending.opened_by,
            floor=pending.floor,
            utterance=pending.utterance,
            at_sample=pending.at_sample,
            client=self._client(pending),
            result=pending.result,
            reason=pending.reason,
            verdict_ms=None if pending.verdict_ms is None else since(pending.verdict_ms),
            evidence=pending.evidence,
            at_stake=pending.at_stake,
            aftermath=pending.aftermath,
            resumed=pending.resumed,
            sent=Sent(
                contested_ms=tuple(map(since, pending.contested_ms)),
                verdicts_ms=tuple(map(since, pending.verdicts_ms)),
            ),
            settings=self.settings,
            standing={
                name: since(value) if name.endswith(A_TIME) else value
                for name, value in pending.inputs[0].standing.items()
            },
            inputs=tuple(
                Input(at_ms=since(each.at_ms), input=each.name, facts=dict(each.facts))
                for each in pending.inputs
            ),
        )

    def _client(self, pending: Pending) -> Client | None:
        if not pending.truncates:
            return None
        detected = (each for _, each in pending.truncates if each.detected)
        first = next(detected, pending.truncates[0][1])
        ended_ms = pending.speech_ended_ms
        return Client(
            probability=first.probability,
            window_index=first.window_index,
            noise_floor_db=round(first.noise_floor_db, 1),
            truncates_ms=tuple(at_ms - pending.opened_ms for at_ms, _ in pending.truncates),
            speech_ended_ms=None if ended_ms is None else ended_ms - pending.opened_ms,
            latency=self._latency(pending),
        )

    def _latency(self, pending: Pending) -> Latency | None:
        """From the detection to what answers the first truncate with a clock."""
        ignored = pending.result is Result.IGNORED
        answers_ms = pending.verdicts_ms if ignored else pending.contested_ms
        for at_ms, truncate in pending.truncates:
            sent = [each for each in answers_ms if each >= at_ms]
            if truncate.detected and truncate.clock_ms and sent:
                return self.clock.latency(truncate.clock_ms - truncate.age_ms, sent[0])
        return None


def _at_stake(
    utterance: int, at_sample: int, heard: str, unheard: str, *, corrected: bool = False
) -> AtStake:
    return AtStake(
        utterance=utterance,
        at_sample=at_sample,
        heard_text=heard,
        unheard_text=unheard,
        heard_words=len(heard.split()),
        unheard_words=len(unheard.split()),
        corrected=corrected,
    )
