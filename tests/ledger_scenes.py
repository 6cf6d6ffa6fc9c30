"""Scenes for tests of the ledger: a real arbiter that is told things, and the lines that follow."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from bargein.arbiter import Accept, Acknowledge, Arbiter, Ignore, Order, Pause, Reject
from bargein.cut import Cut
from bargein.floor import Floor, Heard
from bargein.ledger.entries import AnyEntry, BargeIn, Line, SessionEnd, Turn
from bargein.ledger.recorder import About, Recorder
from bargein.ledger.reporter import Reporter
from bargein.noise import UNHEARD
from bargein.protocol import Accepted, Contested, Ignored, Rejected, Transcript, Truncate
from bargein.verdict import VerdictRules
from bargein.voice_activity import WINDOW_MS, Change, VoiceActivity, VoiceRules

SPEECH, SILENCE = 0.9, 0.01
BEGAN_MS = 500_000.0


class Scene:
    """A session in audio time: the floor is the bot's, and the user's microphone is a list."""

    def __init__(
        self,
        rules: VerdictRules | None = None,
        *,
        enabled: bool = True,
        client_has_vad: bool = True,
        floor: Floor = Floor.SPEAKING,
        keeps_lines: bool = True,
        reporter: Reporter | None = None,
    ) -> None:
        self.now_ms = BEGAN_MS
        self.lines: list[AnyEntry] = []
        self.rules, self.voice_rules = rules or VerdictRules(), VoiceRules()
        about = About(
            session="s",
            config="0123456789abcdef0123",
            began=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            began_ms=BEGAN_MS,
            sample_rate_hz=24_000,
            settings={
                "interruption": {**asdict(self.rules), "barge_in_enabled": enabled},
                "silero_vad": asdict(self.voice_rules),
            },
        )
        self.recorder = Recorder(
            self if keeps_lines else None,
            about,
            lambda: self.now_ms,
            [reporter] if reporter else [],
        )
        self.arbiter = Arbiter(
            self.rules,
            barge_in_enabled=enabled,
            client_has_vad=client_has_vad,
            floor=floor,
            witness=self.recorder,
        )
        self.voice = VoiceActivity(self.voice_rules)
        self.deadline_ms: float | None = None
        self.cuts = 0

    def write(self, entry: AnyEntry) -> None:
        """Take a line, as it is read again."""
        self.lines.append(Line.read(Line.write(entry)))

    @property
    def barge_ins(self) -> list[BargeIn]:
        return [line for line in self.lines if isinstance(line, BargeIn)]

    @property
    def turns(self) -> list[Turn]:
        return [line for line in self.lines if isinstance(line, Turn)]

    @property
    def end(self) -> SessionEnd:
        """The last line of the session that is closed."""
        (line,) = (line for line in self.lines if isinstance(line, SessionEnd))
        return line

    def hears(self, *probabilities: float, is_echo: bool = False) -> None:
        """The microphone, a window at a time; the deadline falls when it is due."""
        for probability in probabilities:
            self.now_ms += WINDOW_MS
            if self.deadline_ms is not None and self.now_ms > self.deadline_ms:
                self.obey(self.arbiter.tick(self.deadline_ms))
            threshold = UNHEARD if is_echo else self.voice_rules.probability_threshold
            change = self.voice.window(probability, threshold)
            self.recorder.window(probability=probability, threshold=threshold, level_db=-30.0)
            self.obey(
                self.arbiter.window(
                    speech_ms=self.voice.speech_ms,
                    silence_ms=self.voice.silence_ms,
                    now_ms=self.now_ms,
                    is_echo=is_echo,
                    playing=3,
                )
            )
            if change is Change.STARTED:
                self.obey(self.arbiter.speech_started(self.now_ms, playing=3))
            elif change is Change.STOPPED:
                self.arbiter.speech_stopped()

    def truncate(self, epoch: int | None = None, **fields: float) -> None:
        """The client's VAD fires."""
        epoch = self.arbiter.epoch if epoch is None else epoch
        message = Truncate(utterance=3, played_samples=4800, probability=0.8, **fields)
        self.recorder.received(message)
        orders = self.arbiter.truncate(3, 4800, epoch, self.now_ms, playing=3, probability=0.8)
        self.obey(orders)

    def says(self, text: str, *, final: bool = True) -> None:
        """The recogniser has words."""
        self.recorder.sent(Transcript(text=text, final=final))
        self.obey(self.arbiter.words(tuple(text.split()), self.now_ms, partial=not final))

    def turn_ends(self, *, has_words: bool) -> None:
        """The user has finished."""
        self.obey(self.arbiter.turn_ended(has_words=has_words, now_ms=self.now_ms))

    def bot(self, heard: Heard) -> None:
        """The bot begins or ends something."""
        self.obey(self.arbiter.bot(heard, self.now_ms))

    def obey(self, orders: list[Order]) -> None:
        """Tell the ledger what the plugs would."""
        if self.arbiter.contest is None:
            self.deadline_ms = None
        elif self.deadline_ms is None:
            self.deadline_ms = self.now_ms + self.rules.deadline_ms
        for order in orders:
            match order:
                case Pause() | Acknowledge():
                    self.recorder.sent(Contested(utterance=3, verdict_deadline_ms=600))
                case Ignore():
                    self.recorder.sent(Ignored(state=self.arbiter.floor, reason=order.reason))
                case Accept():
                    self.cuts += 1
                    self.recorder.cut(cut_at(4800, number=self.cuts))
                    self.recorder.sent(Accepted(utterance=3, cut_samples=4800))
                case Reject():
                    self.recorder.sent(Rejected(utterance=3, at_sample=4800, reason=order.reason))


def cut_at(samples: int, *, number: int, heard: str = "Our house", unheard: str = "blend") -> Cut:
    """The bot was cut off here."""
    return Cut(3, samples, heard, unheard, f"{heard} {unheard}", heard, number=number)
