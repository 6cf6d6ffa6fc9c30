"""Decides one recorded barge-in again: the real arbiter, told what was recorded, at those times.

Nothing is guessed: where the record ends before a verdict falls, there is none.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from bargein.arbiter import Accept, Arbiter, Ignore, Order, Pause, Reject
from bargein.errors import BargeinError
from bargein.ledger.entries import BargeIn, Input
from bargein.noise import UNHEARD
from bargein.replay.ears import Ears
from bargein.replay.settings import NONE, Changes, Rules, rules_of

NOW = "now_ms"
TICK = "tick"
OTHER_VERSION = "this was recorded by another version of bargein"


class Outcome(StrEnum):
    """How a barge-in ends; the words of the ledger, and one more."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IGNORED = "ignored"
    INTERRUPTED = "interrupted"
    UNDECIDED = "undecided"
    """The record ends before a verdict."""
    NOT_OPENED = "not_opened"
    """The bot would not have been paused at all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, or why there is none; times count from the recorded opening."""

    outcome: Outcome
    reason: str | None = None
    opened_ms: float | None = None
    at_ms: float | None = None


def recorded(entry: BargeIn) -> Decision:
    """What was decided then."""
    return Decision(Outcome(entry.result), entry.reason, 0.0, entry.verdict_ms)


def decide_again(entry: BargeIn, changes: Changes = NONE) -> Decision:
    """Decide it by the recorded rules with these changes; BargeinError if it can't be."""
    try:
        return _Court(entry, rules_of(entry, changes), changes).decide()
    except (ValidationError, KeyError, TypeError) as error:
        raise BargeinError(f"{OTHER_VERSION}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{first['loc'][0]}: {first['msg']}"
    return str(error)


class _Court:
    """Hears one case."""

    def __init__(self, entry: BargeIn, rules: Rules, changes: Changes) -> None:
        self._entry, self._rules = entry, rules
        self._changed_vad = bool(changes.silero_vad)
        self._changed_threshold = "probability_threshold" in changes.silero_vad
        self._changed_deadline = (
            rules.verdict.deadline_ms != rules_of(entry, NONE).verdict.deadline_ms
        )
        self._arbiter = _arbiter(entry, rules)
        self._opened_ms: float | None = None
        self._ignored: Decision | None = None

    def decide(self) -> Decision:
        for told in self._heard():
            due_ms = self._due_ms(told)
            if due_ms is not None:
                decision = self._tell(Input(at_ms=due_ms, input=TICK))
                if decision:
                    return decision
            decision = self._tell(told)
            if decision:
                return decision
        if self._arbiter.contest is not None:
            return Decision(Outcome.UNDECIDED, "record ends", self._opened_ms)
        return self._ignored or Decision(Outcome.NOT_OPENED)

    def _heard(self) -> Iterator[Input]:
        """What the arbiter is told: as recorded, or as another VAD would have heard it."""
        ears = Ears(self._rules.voice, rules_of(self._entry, NONE).voice, self._entry.utterance)
        for told in self._late_clients(ears) if self._changed_threshold else self._entry.inputs:
            if told.input == TICK and not self._same_deadline:
                continue
            yield from ears.hear(told) if self._changed_vad else (told,)

    def _late_clients(self, ears: Ears) -> Iterator[Input]:
        """The inputs, and a client that fires where its threshold is reached for the first time.

        The client's VAD follows the server's threshold, and hears the same with the same model:
        the server's windows tell where that would have been.
        """
        threshold = self._rules.voice.probability_threshold
        held: Input | None = None
        for told in self._entry.inputs:
            reached = ears.threshold(told) if told.input == "window" else threshold
            # A window below a gate says nothing of the threshold; the client has heard it.
            threshold = threshold if reached >= UNHEARD else reached
            probability = told.facts.get("probability")
            fires = probability is None or probability >= reached
            if told.input == "truncate" and not fires:
                held = held or told
                continue
            if held and told.input == "window" and fires:
                facts = {**held.facts, "probability": probability}
                yield held.model_copy(update={"at_ms": told.at_ms, "facts": facts})
                held = None
            yield told

    @property
    def _same_deadline(self) -> bool:
        return self._opened_ms == 0 and not self._changed_deadline

    def _due_ms(self, told: Input) -> float | None:
        """The deadline, if it falls before this and the record does not tell of it."""
        if self._opened_ms is None or self._arbiter.contest is None:
            return None
        due_ms = self._opened_ms + self._rules.verdict.deadline_ms
        if told.at_ms <= due_ms:
            return None
        told_of = any(each.input == TICK and each.at_ms >= due_ms for each in self._entry.inputs)
        return None if told_of and self._same_deadline else due_ms

    def _tell(self, told: Input) -> Decision | None:
        was_open = self._arbiter.contest is not None
        orders = _told(self._arbiter, told)
        if any(isinstance(order, Pause) for order in orders) and self._opened_ms is None:
            self._opened_ms = told.at_ms
            was_open = True
        if was_open:
            return self._verdict(orders, told)
        ignored = next((order for order in orders if isinstance(order, Ignore)), None)
        if ignored and self._ignored is None:
            self._ignored = Decision(Outcome.IGNORED, ignored.reason, told.at_ms, told.at_ms)
        return None

    def _verdict(self, orders: Sequence[Order], told: Input) -> Decision | None:
        for order in orders:
            match order:
                case Accept():
                    stopped = told.input == "interrupted"
                    outcome = Outcome.INTERRUPTED if stopped else Outcome.ACCEPTED
                    return Decision(outcome, None, self._opened_ms, told.at_ms)
                case Reject(reason=reason):
                    return Decision(Outcome.REJECTED, str(reason), self._opened_ms, told.at_ms)
        return None


def _arbiter(entry: BargeIn, rules: Rules) -> Arbiter:
    """An arbiter as it stood when the record begins."""
    hints = get_type_hints(Arbiter)
    kept = {each.name for each in fields(Arbiter)} & set(entry.standing)
    read = create_model("Standing", **{name: (hints[name], ...) for name in kept})  # type: ignore[call-overload]
    standing = read.model_validate({name: entry.standing[name] for name in kept})
    return Arbiter(
        rules.verdict,
        barge_in_enabled=rules.barge_in_enabled,
        **{name: getattr(standing, name) for name in kept},
    )


def _told(arbiter: Arbiter, told: Input) -> list[Order]:
    """Tell the arbiter; what only describes a window is no argument of its."""
    facts = _arguments(told.input).model_validate({**told.facts, NOW: told.at_ms})
    given = {name: getattr(facts, name) for name in type(facts).model_fields}
    return getattr(arbiter, told.input)(**given) or []


@cache
def _arguments(name: str) -> type[BaseModel]:
    """The arguments of a method that takes facts, with their types."""
    method: Any = getattr(Arbiter, name, None)
    if not hasattr(method, "__wrapped__"):
        raise KeyError(f"nobody tells the arbiter {name!r}")
    hints = get_type_hints(method)
    described: dict[str, Any] = {
        each.name: (hints[each.name], ... if each.default is each.empty else each.default)
        for each in inspect.signature(method).parameters.values()
        if each.name != "self"
    }
    return create_model(f"Facts of {name}", **described)
