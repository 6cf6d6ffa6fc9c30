"""What became of each turn: from what was said, heard and asked to one line each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.turn_taking.caller import Tape, Turned
from tests.vendors.voice import GLANCE_MS, LOUD, PITCHES, RATE_HZ, pitch_of

GAP_MS = 60
"""The bot's voice begins anew behind so much silence."""
NOTE_WORDS = 20
"""The note that tells an LLM where it was cut off has about as many."""
CUT_IN_MS = 20
"""The caller's clock has steps; less of the bot's voice than this is no cut-in."""


@dataclass(frozen=True, slots=True)
class Voiced:
    """A stretch of the bot's voice, on the caller's clock."""

    from_ms: float
    until_ms: float
    pitch: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the LLM was asked; on the caller's clock."""

    number: int
    at_ms: float
    text: str
    input_tokens: int
    output_tokens: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A turn as the bench writes it down; times in ms."""

    row: str
    turn: int
    text: str
    words: int
    voice: str
    length_ms: float
    latency_ms: float | None
    """From the end of speech to the first sound of an answer; None if there was none."""
    cut_in: bool
    """The bot spoke between the first word and the true end."""
    wrong_replies: int
    """Replies that were heard and had not been asked with all words of the turn."""
    requests: int
    input_tokens: int
    output_tokens: int
    tts_chars: int


def voiced(tape: Tape) -> list[Voiced]:
    """Find the bot's voice on a tape."""
    if not tape.sound:
        return []
    sound = np.frombuffer(b"".join(tape.sound), dtype="<i2")
    step = len(tape.sound[0]) // 2
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > LOUD)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > GAP_MS * RATE_HZ // 1000)
    firsts = loud[np.concatenate([[0], breaks + 1])]
    lasts = loud[np.concatenate([breaks, [len(loud) - 1]])]

    def ms(sample: int) -> float:
        return tape.at_ms[sample // step] + sample % step * 1000 / RATE_HZ

    glance = GLANCE_MS * RATE_HZ // 1000
    return [
        Voiced(ms(first), ms(last), pitch_of(sound[first : min(last + 1, first + glance)]))
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Heard:
    """All that one conversation leaves."""

    row: str
    said: Sequence[Turned]
    texts: Sequence[str]
    voices: Sequence[str]
    stretches: Sequence[Voiced]
    asked: Sequence[Asked]
    spoken: Sequence[tuple[float, int]]
    """When each context of the voice was opened, and its characters."""


def lines(heard: Heard, first_turn: int) -> list[Line]:
    """Judge each turn; turns are numbered from `first_turn` on."""
    return [_line(heard, number, first_turn) for number in range(len(heard.said))]


def _line(heard: Heard, number: int, first_turn: int) -> Line:
    turn, text = heard.said[number], heard.texts[number]
    last = number + 1 == len(heard.said)
    next_ms = float("inf") if last else heard.said[number + 1].onset_ms
    within = [each for each in heard.stretches if turn.onset_ms <= each.until_ms < next_ms]
    answers = [each.from_ms for each in within if each.from_ms > turn.end_ms]
    asked = [each for each in heard.asked if turn.onset_ms <= each.at_ms < next_ms]
    return Line(
        row=heard.row,
        turn=first_turn + number,
        text=text,
        words=len(text.split()),
        voice=heard.voices[number],
        length_ms=turn.end_ms - turn.onset_ms,
        latency_ms=round(answers[0] - turn.end_ms, 1) if answers else None,
        cut_in=any(_overlaps(each, turn) for each in within),
        wrong_replies=sum(
            not _ends_with(_words(each.text), _words(text))
            for each in asked
            if any(_speaks(stretch, each) for stretch in within)
        ),
        requests=len(asked),
        input_tokens=sum(each.input_tokens for each in asked),
        output_tokens=sum(each.output_tokens for each in asked),
        tts_chars=sum(n for at_ms, n in heard.spoken if turn.onset_ms <= at_ms < next_ms),
    )


def _overlaps(stretch: Voiced, turn: Turned) -> bool:
    from_ms, until_ms = max(stretch.from_ms, turn.onset_ms), min(stretch.until_ms, turn.end_ms)
    return until_ms - from_ms >= CUT_IN_MS


def _speaks(stretch: Voiced, asked: Asked) -> bool:
    """Whether a stretch is this reply: its pitch says so, and it sounds after the request."""
    return stretch.pitch == asked.number % PITCHES and stretch.from_ms > asked.at_ms


def _ends_with(asked: list[str], said: list[str]) -> bool:
    """Whether the last words are these, in order; a note for the LLM may stand between them."""
    left, skipped = list(said), 0
    for word in reversed(asked):
        if left and word == left[-1]:
            left.pop()
        else:
            skipped += 1
        if not left or skipped > NOTE_WORDS or len(left) == len(said):
            break
    return not left


def _words(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()
