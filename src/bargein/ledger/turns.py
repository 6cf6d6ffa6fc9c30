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
from bargein.latency import Stage
from bargein.ledger.entries import Turn
from bargein.ledger.past import Told
from bargein.ledger.pending_turn import PendingTurn
from bargein.ledger.predictions import Begun, under_way
from bargein.ledger.reporter import Answered, Reporter
from bargein.protocol import Message, Played, Transcript, Words
from bargein.speculation import Prediction, Resolved
from bargein.voice_activity import WINDOW_MS

MS_PER_S = 1_000


Header = Callable[[float], dict[str, Any]]


@dataclass(slots=True)
class Turns:
    """The turn that is under way, and those whose line is not written yet."""

    header: Header
    finish: Callable[[Turn], None]
    sample_rate_hz: int
    reporter: Reporter = field(default_factory=Reporter)
    count: int = 0
    pending: list[PendingTurn] = field(default_factory=list)
    cut_turn: PendingTurn | None = None
    """Whose reply was cut off last."""
    finals: list[str] = field(default_factory=list)
    """Final transcripts that belong to no turn that has ended."""
    final_ms: float | None = None
    standing: bool = False
    """The next words are told as final ones, but nobody waited for those."""
    onset_ms: float | None = None
    speech_ended_ms: float | None = None
    because: EndedBy = EndedBy.OTHER

    @property
    def current(self) -> PendingTurn | None:
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

    def _begin(self, now_ms: float, barge_in: int | None = None) -> PendingTurn:
        self.count += 1
        self.pending.append(PendingTurn(self.count, now_ms, barge_in))
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
        self.reporter.turn_ended(because, has_words=has_words)
        turn.misfire = not has_words
        if turn.misfire:
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
        """The reply has reached this stage, or the one that is prepared meanwhile."""
        turn = self.current
        if turn is None:
            return
        if begun := under_way(turn.predictions):
            begun.reach(stage, now_ms)
        elif turn.replying:
            turn.reach(stage, now_ms)

    def predicted(self, prediction: Prediction) -> None:
        """A reply is begun while the user still speaks."""
        turn = self.current or self._begin(prediction.at_ms)
        turn.predictions.append(Begun(prediction))

    def resolved(self, resolved: Resolved) -> None:
        """A prediction is over: if it was right, what its reply has reached is the turn's."""
        self.reporter.resolved(resolved)
        number = resolved.prediction.number
        for turn in self.pending:
            for begun in turn.predictions:
                if begun.prediction.number == number:
                    begun.resolved = resolved
                    for stage, at_ms in begun.stages.items() if begun.confirmed else ():
                        turn.reach(stage, at_ms)

    def words_stand(self) -> None:
        """The words that are told next are not the recogniser's final ones."""
        self.standing = True

    def turn_over(self, ended_by: EndedBy) -> None:
        """Why the turn is about to end."""
        self.because = ended_by

    def client_lost(self) -> None:
        """Nobody listens: what is heard of an answer after this is no measure of the bot."""
        for turn in self.pending:
            turn.answered = True

    def client_returned(self, away_ms: float) -> None:
        """The client is back after so long."""
        for turn in self.pending:
            turn.answered, turn.away_ms = True, turn.away_ms + away_ms

    def sent_audio(self, utterance: int, now_ms: float) -> None:
        """A packet of this utterance goes to the client."""
        turn = self.current or self._begin(now_ms)
        turn.words.setdefault(utterance, {})
        turn.reach(Stage.FIRST_AUDIO_SENT, now_ms)

    def sounds(self, utterance: int, at_sample: int) -> None:
        """Of an utterance that is sent, this is the first sample that can be heard."""
        for turn in self.pending:
            if utterance in turn.words:
                turn.sounds.setdefault(utterance, at_sample)

    def sent(self, message: Message, now_ms: float) -> None:
        """A message goes to the client."""
        match message:
            case Words(utterance=utterance, first_word=first, words=words):
                turn = self.current or self._begin(now_ms)
                of_it = next((t for t in self.pending if utterance in t.words), turn)
                spoken = {first + n: word for n, word in enumerate(words)}
                of_it.words.setdefault(utterance, {}).update(spoken)
            case Transcript(final=True, text=""):
                self.finals, self.final_ms = [], None
            case Transcript(final=True, text=text):
                self.finals.append(text)
                self.final_ms = None if self.standing else now_ms
                self.standing = False

    def received(self, message: Message, now_ms: float) -> None:
        """A message came from the client."""
        if isinstance(message, Played) and message.played_samples:
            for turn in self.pending:
                if message.utterance in turn.words:
                    self._played(turn, message, now_ms)

    def _played(self, turn: PendingTurn, played: Played, now_ms: float) -> None:
        known = turn.played.get(played.utterance, 0)
        turn.played[played.utterance] = max(known, played.played_samples)
        began_ms = now_ms - played.played_samples * MS_PER_S / self.sample_rate_hz
        if not turn.answered:
            # A report may be late, and never early.
            turn.reach_by(Stage.PLAYOUT_BEGAN, began_ms)
        sounds_at = turn.sounds.get(played.utterance)
        if sounds_at is None or played.played_samples <= sounds_at:
            return  # silence so far
        turn.reach(Stage.FIRST_AUDIO_HEARD, began_ms + sounds_at * MS_PER_S / self.sample_rate_hz)
        if not turn.answered and (made_of := turn.latency):
            turn.answered = True
            foretold = turn.foretold
            saved_ms = foretold.saved_ms if foretold else 0
            self.reporter.answered(
                Answered(turn.number, made_of, speculated=foretold is not None, saved_ms=saved_ms)
            )

    def close(self) -> None:
        """Write what there is: nothing more comes."""
        for turn in self.pending:
            turn.left = "reply_ended" not in turn.stages
        self._write(self.pending)

    def _write(self, complete: list[PendingTurn]) -> None:
        self.pending = [each for each in self.pending if each not in complete]
        for each in complete:
            self.finish(each.entry(self.header(each.opened_ms)))
