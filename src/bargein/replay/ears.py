"""Makes speech of the recorded windows anew, as a VAD with other settings would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bargein.ledger.entries import Input
from bargein.noise import UNHEARD
from bargein.voice_activity import Change, VoiceActivity, VoiceRules

LOWEST, HIGHEST = 0.05, 0.99
"""The bounds of the setting hold for what it is moved to, too."""
REMADE = frozenset({"speech_started", "speech_stopped"})
"""What the VAD told besides its windows: it follows from them."""


@dataclass(slots=True)
class Ears:
    """A VAD that begins where the record does; `utterance` is what played then."""

    rules: VoiceRules
    was: VoiceRules
    """The rules that the record was made by."""
    utterance: int
    voice: VoiceActivity = field(init=False)

    def __post_init__(self) -> None:
        """Begin in silence, where a record does begin unless a verdict fell just before."""
        self.voice = VoiceActivity(self.rules)

    def hear(self, told: Input) -> Iterator[Input]:
        """Give what the arbiter would have been told instead."""
        if told.input in REMADE:
            return
        if told.input != "window" or "probability" not in told.facts:
            yield told
            return
        change = self._score(told)
        heard = {"speech_ms": self.voice.speech_ms, "silence_ms": self.voice.silence_ms}
        yield told.model_copy(update={"facts": {**told.facts, **heard}})
        if change is Change.STARTED:
            facts = {"playing": self.utterance}
            yield Input(at_ms=told.at_ms, input="speech_started", facts=facts)
        elif change is Change.STOPPED:
            yield Input(at_ms=told.at_ms, input="speech_stopped")

    def _score(self, told: Input) -> Change | None:
        if not told.facts["speech_ms"] and not told.facts["silence_ms"]:
            # It stands for a microphone that sends nothing any more.
            return self.voice.silent_wire()
        return self.voice.window(told.facts["probability"], self.threshold(told))

    def threshold(self, told: Input) -> float:
        """What a window had to reach: as recorded, moved by as much as the setting was.

        In a quiet room that is the setting itself; what noise made of it moves with it.
        """
        recorded = told.facts.get("threshold") or self.was.probability_threshold
        if recorded >= UNHEARD:
            return UNHEARD
        by = self.rules.probability_threshold - self.was.probability_threshold
        return min(HIGHEST, max(LOWEST, recorded + by))
