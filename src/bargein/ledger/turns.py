"""Gathers what belongs to one turn and its reply until the line is complete.

What the bot says unasked, a greeting for example, has a line of its own, without an onset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bargein.arbiter import Accept, OpenTurn
from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.floor import Heard
from bargein.ledger.entries import Stages, Turn
from bargein.ledger.past import Told
from bargein.ledger.watcher import Stage
from bargein.protocol import Message, Played, Transcript, Words
from bargein.voice_activity import WINDOW_MS

SETTLE_MS = 1_000
"""So long after its end a reply may still go on, or its cut be corrected."""
MS_PER_S = 1_000
DECIMALS = 3
"""An estimate's further digits tell nothing."""


@dataclass(slots=True, eq=False)
class Pending:
    """A turn whose line is not complete; times are the server's clock."""

    number: int
    opened_ms: float
    barge_in: int | None = None
    listening: bool = False
    """The user still speaks: what the bot ends meanwhile is the reply before."""
    transcript: str = ""
    ended_by: EndedBy | None = None
    stages: dict[str, float] = field(default_factory=dict)
    words: dict[int, dict[int, str]] = field(default_factory=dict)
    """Of each utterance of the reply, by index."""
    cut: Cut | None = None

    def reach(self, stage: str, now_ms: float) -> None:
        """The stage was reached, if it was not before."""
        self.stages.setdefault(stage, now_ms)

    def complete(self, now_ms: float) -> bool:
        """Whether nothing more can come."""
        ended_ms = self.stages.get("reply_ended")
        return ended_ms is not None and now_ms - ended_ms > SETTLE_MS

    def heard(self) -> str:
        """What was heard of the reply: all of it, or up to the cut."""
        cut = self.cut
        whole = (n for n in sorted(self.words) if cut is None or n < cut.utterance)
        texts = [" ".join(self.words[n][i] for i in sorted(self.words[n])) for n in whole]
        return " ".join(filter(None, [*texts, cut.heard if cut else ""]))


Header = Callable[[float], dict[str, Any]]


@dataclass(slots=True)
class Turns:
    """The turn that is under way, and those whose line is not written yet."""

    header: Header
    finish: Callable[[Turn], None]
    sample_rate_hz: int
    count: int = 0
    pending: list[Pending] = field(default_factory=list)
    cut_turn: Pending | None = None
    """Whose reply was cut off last."""
    finals: list[str] = field(default_factory=list)
    """Final transcripts that belong to no turn that has ended."""
    final_ms: float | None = None
    onset_ms: float | None = None
    speech_ended_ms: float | None = None
    because: EndedBy = EndedBy.OTHER

    @property
    def current(self) -> Pending | None:
        """The last one."""
        return self.pending[-1] if self.pending else None

    def told(self, told: Told, orders: Sequence[Any], barge_in: int | None) -> None:
        """The arbiter was told something; `barge_in` is the one that a verdict has just ended."""
        self._write([each for each in self.pending if each.complete(told.at_ms)])
        if told.name == "window":
            self._window(told)
        if any(isinstance(order, Accept) for order in orders):
            self._cut_off(told.at_ms)
        if OpenTurn() in orders:
            self._open(told.at_ms, barge_in)
        if told.name == "turn_ended":
            self._ended(told.at_ms, has_words=bool(told.facts["has_words"]))
        if told.name == "bot":
            self._bot(told.facts["heard"], told.at_ms)

    def _window(self, told: Told) -> None:
        """Keep where the run of speech began, and where it ends so far."""
        if not told.facts["speech_ms"]:
            self.onset_ms = None
        elif not told.facts["silence_ms"]:
            self.speech_ended_ms = told.at_ms
            if self.onset_ms is None:
                self.onset_ms = told.at_ms - WINDOW_MS

    def _begin(self, now_ms: float, barge_in: int | None = None) -> Pending:
        self.count += 1
        self.pending.append(Pending(self.count, now_ms, barge_in))
        return self.pending[-1]

    def _open(self, now_ms: float, barge_in: int | None) -> None:
        if self.current:
            # Whatever it waited for, the next turn is here.
            self.current.reach("reply_ended", now_ms)
        turn = self._begin(now_ms, barge_in)
        turn.listening = True
        if self.onset_ms is not None:
            turn.reach("onset", self.onset_ms)

    def _ended(self, now_ms: float, *, has_words: bool) -> None:
        turn, because = self.current, self.because
        self.because = EndedBy.OTHER
        if turn is None or not turn.listening:
            return
        turn.listening = False
        turn.ended_by, turn.transcript = because, " ".join(self.finals)
        turn.reach("endpoint", now_ms)
        if self.speech_ended_ms is not None:
            turn.reach("speech_ended", self.speech_ended_ms)
        if self.final_ms is not None:
            turn.reach("final_transcript", self.final_ms)
        if not has_words:
            turn.reach("reply_ended", now_ms)
        self.finals, self.final_ms = [], None

    def _bot(self, heard: Heard, now_ms: float) -> None:
        turn = self.current
        if turn and turn.listening:
            return
        if heard in (Heard.REPLY_BEGUN, Heard.BOT_STARTED):
            if turn is None:
                turn = self._begin(now_ms)
            # It had ended, and goes on: a pause of the TTS, or the resume after a misfire.
            turn.stages.pop("reply_ended", None)
        elif turn and heard in (Heard.REPLY_EMPTY, Heard.BOT_FINISHED):
            turn.reach("reply_ended", now_ms)

    def _cut_off(self, now_ms: float) -> None:
        self.cut_turn = self.current
        if self.cut_turn:
            self.cut_turn.reach("reply_ended", now_ms)

    def cut(self, cut: Cut) -> None:
        """The bot was cut off here, or the cut is corrected."""
        turn = self.cut_turn
        if turn and (turn.cut is None or turn.cut.number == cut.number):
            turn.cut = cut

    def stage(self, stage: Stage, now_ms: float) -> None:
        """The reply has reached this stage."""
        if self.current and not self.current.listening:
            self.current.reach(stage.value, now_ms)

    def turn_over(self, ended_by: EndedBy) -> None:
        """Why the turn is about to end."""
        self.because = ended_by

    def sent_audio(self, utterance: int, now_ms: float) -> None:
        """A packet of this utterance goes to the client."""
        turn = self.current or self._begin(now_ms)
        turn.words.setdefault(utterance, {})
        turn.reach("first_audio_sent", now_ms)

    def sent(self, message: Message, now_ms: float) -> None:
        """A message goes to the client."""
        match message:
            case Words(utterance=utterance, first_word=first, words=words):
                turn = self.current or self._begin(now_ms)
                of_it = next((t for t in self.pending if utterance in t.words), turn)
                spoken = {first + n: word.text for n, word in enumerate(words)}
                of_it.words.setdefault(utterance, {}).update(spoken)
            case Transcript(final=True, text=""):
                self.finals, self.final_ms = [], None
            case Transcript(final=True, text=text):
                self.finals.append(text)
                self.final_ms = now_ms

    def received(self, message: Message, now_ms: float) -> None:
        """A message came from the client."""
        if isinstance(message, Played) and message.played_samples:
            played_ms = message.played_samples * MS_PER_S / self.sample_rate_hz
            for turn in self.pending:
                if message.utterance in turn.words:
                    turn.reach("first_audio_heard", now_ms - played_ms)

    def close(self) -> None:
        """Write what there is: nothing more comes."""
        self._write(self.pending)

    def _write(self, complete: list[Pending]) -> None:
        self.pending = [each for each in self.pending if each not in complete]
        for each in complete:
            self.finish(self._entry(each))

    def _entry(self, turn: Pending) -> Turn:
        """Its line; times become relative to its opening."""
        stages = {
            name: round(at_ms - turn.opened_ms, DECIMALS) for name, at_ms in turn.stages.items()
        }
        heard, unheard = turn.heard(), turn.cut.unheard if turn.cut else ""
        asked, answered = stages.get("speech_ended"), stages.get("first_audio_heard")
        response_ms = (
            None if asked is None or answered is None else round(answered - asked, DECIMALS)
        )
        return Turn(
            **self.header(turn.opened_ms),
            number=turn.number,
            barge_in=turn.barge_in,
            transcript=turn.transcript,
            transcript_words=len(turn.transcript.split()),
            ended_by=EndedBy.SESSION if turn.listening else turn.ended_by,
            stages=Stages(**stages),
            response_ms=response_ms,
            heard_text=heard,
            unheard_text=unheard,
            heard_words=len(heard.split()),
            unheard_words=len(unheard.split()),
            interrupted=turn.cut is not None,
        )
