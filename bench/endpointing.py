"""How soon a turn is over, and how often somebody is cut off who only paused.

    .venv/bin/python -m bench.endpointing CORPUS_DIR

Whole turns end in silence; the others are cut where somebody might pause. Three rules hear the
same windows of the same VAD and the same words, told 300 ms late: Pipecat's default (smart turn
once, at 200 ms; else 3 s), smart turn once and else 700 ms, and ours. No rule may end a turn before
the recogniser has told its last word. Times are silence as the VAD counts it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bargein.endpointing import EndpointRules, Pause, TurnWords
from bargein.processors.silero import Silero
from bargein.processors.smart_turn import BEFORE_S, HEARD_S, SmartTurn
from bargein.protocol import WINDOW_SAMPLES
from bargein.voice_activity import WINDOW_MS, Change, Refresh, VoiceActivity, VoiceRules
from bench.recordings import RATE_HZ
from bench.turns import Turn, turns

LAG_MS = 300
"""So long after a word a recogniser has told it."""
ANSWER_WINDOWS = 2
"""Smart turn's answer comes so much later: 50 ms, and the next window."""
PADDING_MS = 200
"""What the VAD adds before an onset."""
PAUSES_MS = (500, 700, 1000)
"""How long somebody pauses who goes on."""
ASKED_MS = (96, 224, 416)
"""At which silences smart turn's answers are compared."""
SOON_MS = 450
EARLY_MS = 100
"""So much before the labelled end of a turn is in its middle."""
PIPECAT_MS, ONCE_MS = 3_000, 700
PIPECAT_SURE = 0.5
"""Above this probability smart turn calls a turn complete, by its own lights."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the VAD says after a window."""

    at_ms: float
    silence_ms: float | None
    speaking: bool


@dataclass(slots=True)
class Heard:
    """A turn as VAD and smart turn hear it."""

    turn: Turn
    windows: list[Window]
    start: int
    """The sample where smart turn begins to listen."""
    answers: dict[int, float] = field(default_factory=dict)
    """Smart turn's, by the number of the window behind which it was asked."""

    @property
    def end_ms(self) -> float:
        """Where the last word ends: as labelled, but not behind the last speech that was heard."""
        last_ms = max(w.at_ms - w.silence_ms for w in self.windows if w.silence_ms is not None)
        return max(min(self.turn.end_ms, last_ms), *self.turn.ends_ms, 0.0)

    def sound(self, number: int) -> bytes:
        """What smart turn is asked about then."""
        end = (number + 1) * WINDOW_SAMPLES
        return _pcm(self.turn)[max(self.start, end - HEARD_S * RATE_HZ) : end].tobytes()


Ask = Callable[[Heard, int], float]
Rule = Callable[[Heard, Ask, float], Window | None]
"""In which window the turn is over, after a moment in ms at the earliest."""


def _pcm(turn: Turn) -> np.ndarray:
    return (np.clip(turn.sound, -1, 1) * 32_767).astype("<i2")


async def heard(turn: Turn) -> Heard | None:
    """Let the VAD hear it; None if it hears no speech."""
    silero, voice, refresh = Silero(), VoiceActivity(VoiceRules()), Refresh()
    pcm, windows, start = _pcm(turn), [], None
    for number in range(len(pcm) // WINDOW_SAMPLES):
        end = (number + 1) * WINDOW_SAMPLES
        probability = await silero.soon(pcm[end - WINDOW_SAMPLES : end].tobytes())
        if voice.window(probability) is Change.STARTED and start is None:
            before_ms = voice.since_onset_ms + PADDING_MS + BEFORE_S * 1000
            start = max(0, end - int(before_ms * RATE_HZ / 1000))
        if refresh.due(probability, speaking=voice.speaking):
            silero.reset()
        at_ms = (number + 1) * WINDOW_MS
        windows.append(Window(at_ms, voice.pause_so_far_ms, voice.speaking))
    silero.close()
    return None if start is None else Heard(turn, windows, start)


def ours(rules: EndpointRules) -> Rule:
    """The rule of `endpointing.py`."""

    def over_in(heard: Heard, ask: Ask, from_ms: float) -> Window | None:
        pause, due = Pause(rules), list[tuple[int, int, float]]()
        for number, window in enumerate(heard.windows):
            if window.silence_ms is None:
                continue
            if window.silence_ms == 0:
                pause.end()
            pause.silence_ms = window.silence_ms
            for _, asked, answer in (each for each in due if each[0] == number):
                pause.answer(answer, number=asked)
            if pause.ask_due:
                due.append((number + ANSWER_WINDOWS, pause.ask(), ask(heard, number)))
            if may_end(heard, window, from_ms) and pause.over(_words(heard, window)):
                return window
        return None

    return over_in


def once(else_ms: float) -> Rule:
    """Smart turn is asked when the VAD calls the speech stopped; else the silence must last."""

    def over_in(heard: Heard, ask: Ask, from_ms: float) -> Window | None:
        complete_from, was_speaking = len(heard.windows), False
        for number, window in enumerate(heard.windows):
            if window.speaking:
                complete_from = len(heard.windows)
            elif was_speaking and ask(heard, number) > PIPECAT_SURE:
                complete_from = number + ANSWER_WINDOWS
            was_speaking = window.speaking
            lasted = window.silence_ms is not None and window.silence_ms >= else_ms
            if may_end(heard, window, from_ms) and (number >= complete_from or lasted):
                return window
        return None

    return over_in


def may_end(heard: Heard, window: Window, from_ms: float) -> bool:
    """The VAD has called the speech stopped, and the recogniser has told its last word."""
    in_middle = window.at_ms < heard.end_ms - EARLY_MS
    told = in_middle or window.at_ms >= heard.end_ms + LAG_MS
    silent = not window.speaking and (window.silence_ms or 0) >= LAG_MS
    return told and silent and window.at_ms >= from_ms


def _words(heard: Heard, window: Window) -> TurnWords:
    words = TurnWords()
    words.hear(heard.turn.known(window.at_ms, LAG_MS), final=False)
    return words


RULES: dict[str, Rule] = {
    "Pipecat's default": once(PIPECAT_MS),
    "smart turn, else 700 ms": once(ONCE_MS),
    "ours": ours(EndpointRules()),
}


def ask_of(smart_turn: SmartTurn) -> Ask:
    """Ask each question once."""

    def ask(heard: Heard, number: int) -> float:
        if number not in heard.answers:
            heard.answers[number] = smart_turn.answer(heard.sound(number))
        return heard.answers[number]

    return ask


@dataclass(slots=True)
class Score:
    """What a rule made of the turns of a row."""

    after_ms: list[float] = field(default_factory=list)
    """After how much silence each was over; what was not over in the sound took Pipecat's 3 s."""
    middle: int = 0
    """How many were called over in the middle."""

    def add(self, heard: Heard, rule: Rule, ask: Ask) -> None:
        """Count one more."""
        end_ms = heard.end_ms - EARLY_MS
        over = rule(heard, ask, end_ms)
        self.after_ms.append(PIPECAT_MS if over is None else over.silence_ms or 0)
        first = rule(heard, ask, 0) if heard.turn.whole else None
        self.middle += first is not None and first.at_ms < end_ms

    def share(self, within_ms: float) -> str:
        """How many were over by then."""
        return f"{100 * np.mean(np.array(self.after_ms) <= within_ms):.0f}"

    def whole(self) -> list[str]:
        """Of turns that are over: p50, p95, by 450 ms, cut in the middle."""
        p50, p95 = np.percentile(self.after_ms, [50, 95])
        in_middle = f"{100 * self.middle / len(self.after_ms):.0f}"
        return [f"{p50:.0f}", f"{p95:.0f}", self.share(SOON_MS), in_middle]

    def cut(self) -> list[str]:
        """Of those who only pause."""
        return [self.share(pause_ms) for pause_ms in PAUSES_MS]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


Scores = dict[str, dict[str, Score]]
Answers = dict[str, dict[int, list[bool]]]


def complete_at(heard: Heard, ask: Ask) -> dict[int, bool]:
    """Whether smart turn calls it complete at these silences behind its end."""
    return {
        int(window.silence_ms): ask(heard, number) > PIPECAT_SURE
        for number, window in enumerate(heard.windows)
        if window.silence_ms in ASKED_MS and window.at_ms > heard.end_ms
    }


async def scored(corpus: Path) -> tuple[Scores, Scores, Answers, int]:
    """The scores of whole turns and of pauses by row and rule, what smart turn answered, and how
    many turns the VAD did not hear.
    """
    whole: Scores = defaultdict(lambda: defaultdict(Score))
    cut: Scores = defaultdict(lambda: defaultdict(Score))
    answers: Answers = defaultdict(lambda: defaultdict(list))
    ask, unheard = ask_of(SmartTurn()), 0
    for turn in turns(corpus):
        found = await heard(turn)
        if found is None:
            unheard += 1
            continue
        real = "espeak" if "espeak" in turn.row else "real"
        for name, rule in RULES.items():
            for row in (turn.row, f"all {real}"):
                (whole if turn.whole else cut)[row][name].add(found, rule, ask)
        for silence_ms, complete in complete_at(found, ask).items():
            answers[turn.row][silence_ms].append(complete)
    return whole, cut, answers, unheard


def report(kind: str, head: list[str], scores: Scores, cells: Callable[[Score], list[str]]) -> None:
    """Print a table."""
    lines = [
        [row, str(len(score.after_ms)), name, *cells(score)]
        for row, by_rule in scores.items()
        for name, score in by_rule.items()
    ]
    print(f"\n{table([kind, 'n', 'rule', *head], lines)}")


def main() -> None:
    """Score all rules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    whole, cut, answers, unheard = asyncio.run(scored(parser.parse_args().corpus))
    print(f"{unheard} turns were too short or soft for the VAD.")
    head = ["p50 ms", "p95 ms", f"% by {SOON_MS} ms", "% cut in the middle"]
    report("whole turns", head, whole, Score.whole)
    head = [f"% cut off in {ms} ms" for ms in PAUSES_MS]
    report("pauses after", head, cut, Score.cut)
    head = ["smart turn says complete", *(f"% at {ms} ms" for ms in ASKED_MS)]
    rows = [
        [row, *(f"{100 * np.mean(by_ms[ms]):.0f}" for ms in ASKED_MS)]
        for row, by_ms in answers.items()
    ]
    print(f"\n{table(head, rows)}")


if __name__ == "__main__":
    main()
