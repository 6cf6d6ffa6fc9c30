"""Makes speech of the recorded windows anew, as a VAD with other settings would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bargein.ledger.entries import Input
from bargein.voice_activity import Change, VoiceActivity, VoiceRules

REMADE = frozenset({"speech_started", "speech_stopped"})
"""What the VAD told besides its windows: it follows from them."""


@dataclass(slots=True)
class Ears:
    """A VAD that begins where the record does; `utterance` is what played then."""

    rules: VoiceRules
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
        return self.voice.window(told.facts["probability"])
