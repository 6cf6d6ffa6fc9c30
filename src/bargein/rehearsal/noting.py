"""What client and server tell becomes moments on the timeline."""

from __future__ import annotations

from collections.abc import Sequence

from bargein.client.events import (
    Detected,
    ErrorShown,
    Event,
    Finished,
    FloorShown,
    Muted,
    Sounded,
    ThresholdSet,
    TranscriptShown,
    Underrun,
    Unmuted,
    VerdictHeard,
    WelcomeHeard,
    WordsShown,
)
from bargein.protocol import Accepted, Contested, Ignored, Message, Rejected
from bargein.rehearsal.hearing import Hearing
from bargein.rehearsal.moments import Moment, What


def client_moments(event: Event, hearing: Hearing, before: Sequence[Moment]) -> list[Moment]:
    """Give the moments of one event; the hearing learns what sounded."""
    match event:
        case Sounded():
            return hearing.sounded(event)
        case Finished():
            return hearing.finished(event)
        case WordsShown():
            hearing.show(event)
            return []
        case VerdictHeard():
            return _verdict(event, hearing, before)
        case FloorShown(at_ms, floor):
            return _if_new(Moment(at_ms, What.FLOOR, text=floor), before)
        case ThresholdSet(at_ms, threshold):
            # The server tells its noise floor, too, and that moves all the time.
            return _if_new(Moment(at_ms, What.THRESHOLD, text=f"{threshold:.2f}"), before)
        case _:
            return _other(event)


def _verdict(event: VerdictHeard, hearing: Hearing, before: Sequence[Moment]) -> list[Moment]:
    what = What(event.phase)
    told = Moment(event.at_ms, what, event.utterance, event.at_sample, reason=event.reason)
    if what is What.ACCEPTED:
        hearing.cut()
    # A contest that is told again is the same contest.
    is_again = what is What.CONTESTED and any(
        each.what is What.CONTESTED and each.at_ms >= event.at_ms - event.since_ms
        for each in before
    )
    return [] if is_again else [told]


def _other(event: Event) -> list[Moment]:
    match event:
        case WelcomeHeard(at_ms):
            return [Moment(at_ms, What.WELCOMED)]
        case Detected(at_ms, utterance, at_sample):
            return [Moment(at_ms, What.DETECTED, utterance, at_sample)]
        case Muted(at_ms, utterance, at_sample, ducked):
            reason = "ducked" if ducked else ""
            return [Moment(at_ms, What.MUTED, utterance, at_sample, reason=reason)]
        case Unmuted(at_ms, utterance, at_sample):
            return [Moment(at_ms, What.UNMUTED, utterance, at_sample)]
        case TranscriptShown(at_ms, text, final) if final and text:
            return [Moment(at_ms, What.TRANSCRIPT, text=text)]
        case Underrun(at_ms, utterance, samples, lost, _):
            reason = f"{samples} samples of silence, {lost} of its own lost"
            return [Moment(at_ms, What.UNDERRUN, utterance, reason=reason)]
        case ErrorShown(at_ms, code, message):
            return [Moment(at_ms, What.ERROR, text=message, reason=code)]
        case _:
            return []


def server_moment(message: Message, at_ms: float) -> Moment | None:
    """Give the moment of what the server says, if it decides something."""
    match message:
        case Contested(utterance=utterance):
            return Moment(at_ms, What.PAUSED, utterance)
        case Accepted(utterance=utterance, cut_samples=cut):
            return Moment(at_ms, What.TOOK_FLOOR, utterance, cut)
        case Rejected(utterance=utterance, at_sample=at, reason=reason):
            return Moment(at_ms, What.WENT_ON, utterance, at, reason=reason)
        case Ignored(reason=reason):
            return Moment(at_ms, What.DISREGARDED, reason=reason)
        case _:
            return None


def _if_new(moment: Moment, before: Sequence[Moment]) -> list[Moment]:
    """What is told again with the same text is told once."""
    same = (each.text for each in reversed(before) if each.what is moment.what)
    return [] if next(same, None) == moment.text else [moment]
