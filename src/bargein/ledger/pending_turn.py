"""A turn and the reply to it, as long as the line in the ledger is not complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.latency import Latency, Stage, latency, stepped
from bargein.ledger.entries import Added, Stages, Turn
from bargein.ledger.predictions import Begun
from bargein.protocol import SpokenWord
from bargein.speculation import Resolved
from bargein.truncation import Word

SETTLE_MS = 1_000
"""So long after its end a reply may still go on, or its cut be corrected."""
DECIMALS = 3
"""An estimate's further digits tell nothing."""


@dataclass(slots=True, eq=False)
class PendingTurn:
    """A turn whose line is not complete; times are the server's clock."""

    number: int
    opened_ms: float
    barge_in: int | None = None
    listening: bool = False
    """The user still speaks: what the bot ends meanwhile is the reply before."""
    transcript: str = ""
    ended_by: EndedBy | None = None
    stages: dict[str, float] = field(default_factory=dict)
    words: dict[int, dict[int, SpokenWord]] = field(default_factory=dict)
    """Of each utterance of the reply, by index."""
    played: dict[int, int] = field(default_factory=dict)
    """How many samples of each the client has told of."""
    left: bool = False
    """The client left in the middle of the reply."""
    sounds: dict[int, int] = field(default_factory=dict)
    """The first sample of each that can be heard."""
    cut: Cut | None = None
    predictions: list[Begun] = field(default_factory=list)
    misfire: bool = False
    """It had no words: what the bot says next is no answer."""
    answered: bool = False
    away_ms: float = 0
    """So long the client's connection was lost meanwhile."""

    def reach(self, stage: str, now_ms: float) -> None:
        """The stage was reached, if it was not before."""
        self.stages.setdefault(stage, stepped(now_ms))

    def reach_by(self, stage: str, now_ms: float) -> None:
        """The stage was reached by then, or before."""
        self.stages[stage] = min(stepped(now_ms), self.stages.get(stage, float("inf")))

    @property
    def replying(self) -> bool:
        """Whether what the reply reaches is this turn's."""
        return not self.listening or self.foretold is not None

    @property
    def foretold(self) -> Resolved | None:
        """The prediction whose reply is said, if any."""
        return next((each.resolved for each in self.predictions if each.confirmed), None)

    @property
    def latency(self) -> Latency | None:
        """What the response was made of; None while nothing is heard of it."""
        asked_ms = self.stages.get("speech_ended")
        if asked_ms is None or self.misfire or not self.replying:
            return None
        return latency(
            asked_ms, {stage: self.stages[stage] for stage in Stage if stage in self.stages}
        )

    def complete(self, now_ms: float) -> bool:
        """Whether nothing more can come."""
        ended_ms = self.stages.get("reply_ended")
        return ended_ms is not None and now_ms - ended_ms > SETTLE_MS

    def spoken(self) -> tuple[str, str]:
        """What was heard of the reply, and what was not: all of it, or up to where it ended."""
        cut = self.cut
        if self.left and cut is None:
            told = self._in_order(lambda n, word: self._is_told(n, word))
            return told, self._in_order(lambda n, word: not self._is_told(n, word))
        whole = self._in_order(lambda n, _: cut is None or n < cut.utterance)
        heard = " ".join(filter(None, [whole, cut.heard if cut else ""]))
        return heard, cut.unheard if cut else ""

    def _in_order(self, chosen: Callable[[int, SpokenWord], bool]) -> str:
        """The reply's words that are chosen, as text."""
        numbered = (
            (n, self.words[n][i]) for n in sorted(self.words) for i in sorted(self.words[n])
        )
        return " ".join(word.text for n, word in numbered if chosen(n, word))

    def _is_told(self, utterance: int, spoken: SpokenWord) -> bool:
        """Whether the client has told that it played more than half of a word."""
        word = Word(spoken.text, spoken.start_sample, spoken.end_sample)
        return utterance < max(self.played, default=0) or word.heard(self.played.get(utterance, 0))

    def entry(self, header: dict[str, Any]) -> Turn:
        """Its line; times become relative to its opening."""
        stages = {
            name: round(at_ms - self.opened_ms, DECIMALS) for name, at_ms in self.stages.items()
        }
        heard, unheard = self.spoken()
        made_of = self.latency
        predictions = tuple(each.entry(self.opened_ms) for each in self.predictions)
        return Turn(
            **header,
            number=self.number,
            barge_in=self.barge_in,
            transcript=self.transcript,
            transcript_words=len(self.transcript.split()),
            ended_by=EndedBy.SESSION if self.listening else self.ended_by,
            stages=Stages(**stages),
            response_ms=made_of and made_of.total_ms,
            latency=made_of and Added(**{str(name): ms for name, ms in made_of.added_ms.items()}),
            predictions=predictions,
            wasted_tokens=sum(each.wasted_tokens for each in predictions),
            saved_ms=sum(each.saved_ms for each in predictions),
            heard_text=heard,
            unheard_text=unheard,
            heard_words=len(heard.split()),
            unheard_words=len(unheard.split()),
            interrupted=self.cut is not None,
            away_ms=self.away_ms,
        )
