"""Decides how much silence ends the user's turn, from sound, words and the silence so far.

Somebody who has finished is answered at once; somebody who only pauses is left alone. It
knows no clock: silence is a number it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bargein.unfinished import WHOLE, Ending, ending

LEANING_THRESHOLD = 0.5
"""Smart turn must be so sure at least, before it is believed behind a word that few end on."""


class EndedBy(StrEnum):
    """Why a turn was called complete."""

    SMART_TURN = "smart_turn"
    """Smart turn called it complete at a pause."""
    TEXT = "text"
    """The words were whole or a short answer, and it stayed silent for a while."""
    SILENCE = "silence"
    """The silence had lasted."""
    NO_TRANSCRIPT = "no_transcript"
    """The silence had lasted, and the recogniser said nothing for its time."""
    RECOGNISER = "recogniser"
    """The recogniser said so: one that decides itself when a turn is over."""
    OTHER = "other"
    """Somebody else in the pipeline ended it."""
    SESSION = "session"
    """The session ended before the turn did."""


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """How much silence it takes; docs/endpointing.md has what they make of recordings."""

    silence_ms: int = 700
    """Ends a turn of which nothing else is known."""
    likely_silence_ms: int = 256
    """Ends one that is likely over: a whole sentence by the recogniser's punctuation, a short
    answer, a number with all its digits, and where smart turn is in doubt."""
    answer_words: int = 3
    """A text of at most so many words that does not sound unfinished is a short answer."""
    unfinished_silence_ms: int = 1500
    """Ends one whose words sound as if more will come."""
    smart_turn_threshold: float = 0.4
    """Above this probability the turn is over as soon as the VAD calls the speech stopped."""
    smart_turn_doubt: float = 0.1
    """Above this one it is in doubt."""
    smart_turn_first_ms: int = 96
    smart_turn_every_ms: int = 64
    smart_turn_most: int = 2
    """At which silences smart turn is asked in one pause, and how often."""
    language: str | None = None
    """Which language's words count; None goes by the recogniser, or else takes English."""


@dataclass(frozen=True, slots=True)
class Needed:
    """The silence that ends the turn, as far as is known now."""

    silence_ms: float
    because: EndedBy


@dataclass(slots=True)
class TurnWords:
    """The words of a turn: those that are final, and the recogniser's guess at the next."""

    language: str | None = None
    """Whose words count; None goes by the recogniser, or else takes English."""
    before: str = ""
    """Those of the turn before: a name may be said in one, and spelled in the next."""
    finals: list[str] = field(default_factory=list)
    partial: str = ""
    ending: Ending = Ending.OPEN
    """How they end."""
    count: int = 0
    """How many they are."""

    @property
    def text(self) -> str:
        """All of them."""
        return " ".join([*self.finals, *([self.partial] if self.partial else [])])

    def hear(self, text: str, *, final: bool, language: str | None = None) -> None:
        """The recogniser tells words; final ones replace the partial."""
        text = text.strip()
        self.partial = "" if final else text
        if final and text:
            self.finals.append(text)
        self.count = len(self.text.split())
        spoken = self.language or language or "en"
        self.ending = ending(self.text, language=spoken, before=self.before)


def needed(words: TurnWords, probability: float, rules: EndpointRules) -> Needed:
    """How much silence it takes after such words; `probability` is what smart turn says."""
    complete = probability > rules.smart_turn_threshold
    certain = probability > max(rules.smart_turn_threshold, LEANING_THRESHOLD)
    later = Needed(max(rules.silence_ms, rules.unfinished_silence_ms), EndedBy.SILENCE)
    if words.ending.waits or (words.ending is Ending.LEANING and not certain):
        return later
    reasons = [Needed(rules.silence_ms, EndedBy.SILENCE)]
    if words.ending is not Ending.LEANING:
        if words.ending in WHOLE or 0 < words.count <= rules.answer_words:
            reasons.append(Needed(rules.likely_silence_ms, EndedBy.TEXT))
        if probability > rules.smart_turn_doubt:
            reasons.append(Needed(rules.likely_silence_ms, EndedBy.SMART_TURN))
        if complete:
            reasons.append(Needed(0, EndedBy.SMART_TURN))
    return min(reasons, key=lambda each: each.silence_ms)


@dataclass(slots=True)
class Pause:
    """The silence behind the last word, and what smart turn made of it."""

    rules: EndpointRules
    silence_ms: float = 0.0
    number: int = 0
    """Counts pauses: an answer that comes after its pause is void."""
    probability: float = 0.0
    """The highest that smart turn has said; 0 before it was asked."""
    asked_ms: list[float] = field(default_factory=list)
    """At which silences it was asked."""

    def end(self) -> None:
        """Somebody speaks."""
        if self.silence_ms or self.asked_ms:
            self.number += 1
        self.silence_ms = self.probability = 0.0
        self.asked_ms.clear()

    @property
    def ask_due(self) -> bool:
        """Whether smart turn should be asked now; who asks says so with `ask`."""
        if len(self.asked_ms) >= self.rules.smart_turn_most:
            return False
        if not self.asked_ms:
            return self.silence_ms >= self.rules.smart_turn_first_ms
        return (
            not self.sure and self.silence_ms >= self.asked_ms[-1] + self.rules.smart_turn_every_ms
        )

    @property
    def sure(self) -> bool:
        """Whether the turn sounds complete."""
        return self.probability > self.rules.smart_turn_threshold

    def ask(self) -> int:
        """Smart turn is asked; its answer must bring this number."""
        self.asked_ms.append(self.silence_ms)
        return self.number

    def answer(self, probability: float, *, number: int) -> None:
        """Smart turn answers a question, if it is of this pause."""
        if number == self.number:
            self.probability = max(self.probability, probability)

    def needed(self, words: TurnWords) -> Needed:
        """The silence that ends the turn."""
        return needed(words, self.probability, self.rules)

    def over(self, words: TurnWords) -> EndedBy | None:
        """Why the turn is over, if it is."""
        wanted = self.needed(words)
        silent = self.silence_ms > 0
        return wanted.because if silent and self.silence_ms >= wanted.silence_ms else None

    def stands(self, words: TurnWords, over: EndedBy) -> bool:
        """Whether a turn that is over may end without its final transcript.

        One that does not sound complete waits for it: a comma in it says that more will come. So
        the sound must be sure, or the words whole; those of a question are, if the sound is in
        doubt at least.
        """
        asked = words.ending is Ending.ASKED and self.probability > self.rules.smart_turn_doubt
        return self.sure or over is EndedBy.SILENCE or words.ending is Ending.TOLD or asked
