"""Whether what a scenario expects has come true, and if not, what came instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from bargein.rehearsal.hearing import Hearing
from bargein.rehearsal.moments import Moment, What
from bargein.rehearsal.wanted import (
    ContextMessage,
    DroppedEvent,
    ErrorEvent,
    Event,
    Expected,
    StateEvent,
    Text,
    TranscriptEvent,
    UtteranceText,
    VerdictEvent,
    plain,
)

VERDICTS = frozenset({What.ACCEPTED, What.REJECTED, What.IGNORED, What.LOST})
ALIKE = (VERDICTS, frozenset({What.MUTED, What.DETECTED, What.CONTESTED}))
"""What may have come instead of each other."""
MOST_SHOWN = 4


class Status(StrEnum):
    """How far an expectation is."""

    MET = "ok"
    OPEN = "open"
    """Not yet: it fails if it stays so."""
    FAILED = "failed"
    """It can't be met any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the LLM's context."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that expectations are held against, as of now."""

    moments: Sequence[Moment]
    hearing: Hearing
    context: Sequence[Message]
    playing: int | None
    """The utterance that is not over."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation, held against what happened."""

    status: Status
    expected: str
    came: str = ""
    took_ms: float | None = None
    """What was held against its bounds."""
    waited_for: str = ""
    """What has not come, nor anything in its place: it is not reached, rather than failed."""


def judge(expected: Sequence[Expected], evidence: Evidence) -> list[Finding]:
    """Hold every expectation against what happened so far, in their order.

    The n-th expectation about a kind of event is about the next such event behind the one
    that the expectation before it has taken; with `after`, what that names must have come.
    """
    taken: dict[What, int] = {}
    return [_one(each, evidence, taken) for each in expected]


def _one(expected: Expected, evidence: Evidence, taken: dict[What, int]) -> Finding:
    kind = expected.kind
    value = getattr(expected, kind)
    match value:
        case Event():
            return _event(What(kind), value, evidence.moments, taken)
        case UtteranceText():
            return _utterance(kind, value, evidence.hearing)
        case ContextMessage() if kind == "whole_context":
            return _whole_context(value, evidence.context)
        case ContextMessage():
            return _context(value, evidence.context)
        case dict():
            return _count(value, evidence.moments, exact=kind == "count")
        case _:
            return _bound(kind, value, evidence)


# --- events ----------------------------------------------------------------------------


def _event(kind: What, wanted: Event, moments: Sequence[Moment], taken: dict[What, int]) -> Finding:
    said = f"{kind}{_about(wanted)}{_when(wanted)}"
    behind = taken.get(kind, -1)
    for index in range(behind + 1, len(moments)):
        if moments[index].what is not kind or not _fits(wanted, moments[index]):
            continue
        since_ms = _since_ms(wanted, moments, moments[index])
        if since_ms is not None:
            taken[kind] = index
            return _in_time(said, wanted, moments[index], since_ms)
    taken[kind] = len(moments)
    alike = next((group for group in ALIKE if kind in group), frozenset({kind}))
    others = [each for each in moments[behind + 1 :] if each.what in alike]
    with_utterance = wanted.utterance is not None
    came = _listed(others, with_utterance=with_utterance) or f"no {kind}"
    waits = wanted.after and all(moment.what is not wanted.after for moment in moments)
    waited_for = str(wanted.after) if waits else "" if others else f"{kind}{_about(wanted)}"
    return Finding(Status.OPEN, said, came, waited_for=waited_for)


def _fits(wanted: Event, moment: Moment) -> bool:
    if wanted.utterance is not None and wanted.utterance != moment.utterance:
        return False
    match wanted:
        case VerdictEvent() | DroppedEvent():
            return wanted.reason is None or moment.reason == wanted.reason
        case ErrorEvent():
            return wanted.code is None or moment.reason == wanted.code
        case StateEvent():
            return moment.text == wanted.state
        case TranscriptEvent():
            return wanted.fits(moment.text)
        case _:
            return True


def _since_ms(wanted: Event, moments: Sequence[Moment], moment: Moment) -> float | None:
    """What an event's time is measured from; None if that has not come before it."""
    if wanted.after is None:
        return 0.0
    before = [
        each.at_ms
        for each in moments
        if each.what is wanted.after and each.at_ms <= moment.at_ms and each is not moment
    ]
    return before[-1] if before else None


def _in_time(said: str, wanted: Event, moment: Moment, since_ms: float) -> Finding:
    took_ms = moment.at_ms - since_ms
    behind = f", {took_ms:.0f} ms after {wanted.after}" if wanted.after else ""
    too_late = wanted.within_ms is not None and took_ms > wanted.within_ms
    too_early = wanted.at_least_ms is not None and took_ms < wanted.at_least_ms
    status = Status.FAILED if too_late or too_early else Status.MET
    return Finding(status, said, _shown(moment) + behind, took_ms if wanted.after else None)


def _about(wanted: Event) -> str:
    about = []
    if wanted.utterance is not None:
        about.append(f"utterance {wanted.utterance}")
    match wanted:
        case VerdictEvent(reason=reason) | DroppedEvent(reason=reason) if reason:
            about.append(str(reason))
        case ErrorEvent(code=code) if code:
            about.append(code)
        case StateEvent():
            about.append(str(wanted.state))
        case TranscriptEvent():
            about.append(str(wanted))
    return f" ({', '.join(about)})" if about else ""


def _when(wanted: Event) -> str:
    within = f" within {wanted.within_ms:.0f} ms" if wanted.within_ms is not None else ""
    at_least = f" at least {wanted.at_least_ms:.0f} ms" if wanted.at_least_ms is not None else ""
    if not within and not at_least:
        return ""
    since = f" after {wanted.after}" if wanted.after else " after the start"
    return " and".join(filter(None, [within, at_least])) + since


def _shown(moment: Moment, *, with_utterance: bool = False) -> str:
    text = f"{moment.text!r}" if moment.what is What.TRANSCRIPT else moment.text
    utterance = f"utterance {moment.utterance}" if with_utterance else ""
    about = ", ".join(filter(None, [utterance, moment.reason or text]))
    said = f"{moment.what} ({about})" if about else str(moment.what)
    return f"{said} at {moment.at_ms:.0f} ms"


def _listed(moments: Sequence[Moment], *, with_utterance: bool = False) -> str:
    first = moments[:MOST_SHOWN]
    shown = ", ".join(_shown(each, with_utterance=with_utterance) for each in first)
    return shown + (", ..." if len(moments) > MOST_SHOWN else "")


# --- texts -----------------------------------------------------------------------------


def _utterance(kind: str, wanted: UtteranceText, hearing: Hearing) -> Finding:
    texts = {"says": hearing.says, "heard": hearing.heard, "unheard": hearing.unheard}
    number = wanted.utterance
    said = f"{kind}: utterance {number} {wanted}"
    if number not in hearing.utterances:
        came = f"there is no utterance {number}"
        return Finding(Status.OPEN, said, came, waited_for=f"utterance {number}")
    text = texts[kind](number)
    if kind == "unheard" and not hearing.is_over(number):
        came = f"utterance {number} is not over"
        return Finding(Status.OPEN, said, came, waited_for=f"the end of utterance {number}")
    return Finding(Status.MET if wanted.fits(text) else Status.OPEN, said, repr(text))


def _context(wanted: ContextMessage, messages: Sequence[Message]) -> Finding:
    said = f"context: a message of {wanted.role} that {Text.__str__(wanted)}"
    of_role = [message.text for message in messages if message.role == wanted.role]
    fitting = next((text for text in of_role if wanted.fits(text)), None)
    if fitting is not None:
        return Finding(Status.MET, said, repr(fitting))
    came = "; ".join(map(repr, of_role)) or f"no message of {wanted.role}"
    return Finding(Status.OPEN, said, came)


def _whole_context(wanted: ContextMessage, messages: Sequence[Message]) -> Finding:
    said = f"context: all of {wanted.role} {Text.__str__(wanted)}"
    whole = " ".join(message.text for message in messages if message.role == wanted.role)
    return Finding(Status.MET if wanted.fits(whole) else Status.OPEN, said, repr(whole))


# --- numbers ---------------------------------------------------------------------------


def _count(wanted: Mapping[What, int], moments: Sequence[Moment], *, exact: bool) -> Finding:
    there = Counter(moment.what for moment in moments)
    word = "exactly" if exact else "at most"
    said = ", ".join(f"{word} {number} {what}" for what, number in wanted.items())
    came = ", ".join(f"{there[what]} {what}" for what in wanted)
    if any(there[what] > number for what, number in wanted.items()):
        too_many = [each for each in moments if there[each.what] > wanted.get(each.what, 1 << 30)]
        return Finding(Status.FAILED, said, f"{came}: {_listed(too_many)}")
    enough = not exact or all(there[what] == number for what, number in wanted.items())
    return Finding(Status.MET if enough else Status.OPEN, said, came)


def _bound(kind: str, most: int, evidence: Evidence) -> Finding:
    said = f"{kind}: at most {most}"
    if kind == "wrong_words":
        number, came = wrong_words(evidence)
        return Finding(Status.MET if number <= most else Status.OPEN, said, came)
    number = getattr(evidence.hearing, kind)
    return Finding(Status.MET if number <= most else Status.FAILED, said, str(number))


def wrong_words(evidence: Evidence) -> tuple[int, str]:
    """How many words the context has and the ear has not, or the other way; and which, in words."""
    hearing = evidence.hearing
    over = [number for number in hearing.utterances if number != evidence.playing]
    ear = plain(" ".join(hearing.heard(number) for number in over)).split()
    said = [message.text for message in evidence.context if message.role == "assistant"]
    context = plain(" ".join(said)).split()
    count, shown = 0, []
    for there, in_context, in_ear in _differences(context, ear):
        count += max(len(in_context), len(in_ear))
        context_has, ear_has = " ".join(in_context), " ".join(in_ear)
        shown.append(f"word {there}: the context has {context_has!r}, the ear {ear_has!r}")
    return count, f"{count}" + (f"; {'; '.join(shown[:MOST_SHOWN])}" if shown else "")


def _differences(
    left: list[str], right: list[str]
) -> Iterator[tuple[int, Sequence[str], Sequence[str]]]:
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for tag, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        if tag != "equal":
            yield left_from + 1, left[left_from:left_to], right[right_from:right_to]
