"""The only judge of who has the floor: takes what was heard, gives orders, and keeps the epoch.

It walks the table in `floor.py`, gathers the evidence of an open contest, and asks
`verdict.py`. No clock, no I/O: times come as milliseconds of the caller's monotonic
clock, and the orders are carried out by whoever asked. The same truncate any number of
times, late, or out of order leads to the same state. It is long because the orders
stand in it too: nobody else gives any.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from bargein.floor import Do, Floor, Heard, step
from bargein.protocol import Reason
from bargein.verdict import Evidence, Verdict, VerdictRules, decide
from bargein.voice_activity import WINDOW_MS
from bargein.witness import Witness, witnessed

PATIENCE_MS = 20_000
"""A reply that is not heard by then may be cancelled even where the bot may not be interrupted."""
SUSPICIOUS_MS = 2 * WINDOW_MS
"""So much of what may be speech contests the floor, where the client has no VAD."""
BACKUP_MS = 3 * WINDOW_MS
"""And so much where it has one: its truncate would be here, and was lost."""
HANGS_ON_MS = (3 * WINDOW_MS, 20 * WINDOW_MS)
"""So long behind the user's last sound a client's VAD may still score it as speech."""
HANGS_ON_SAMPLES = 2_400
"""And the bot is not further by then: 100 ms at 24 kHz."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing more, and tell the client that the verdict follows."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Flush: the cut is at `at_sample`, or where the playout estimates it if that is None."""

    utterance: int
    at_sample: int | None
    contested_ms: float
    preparing: bool
    """The reply was cancelled before it was heard at all."""
    evidence: Evidence | None = field(default=None, compare=False)
    """What was known; None if no contest was needed."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Resume at `at_sample`, or where the last acknowledgement was if that is None."""

    utterance: int
    at_sample: int | None
    reason: Reason
    contested_ms: float
    evidence: Evidence | None = field(default=None, compare=False)
    """What was known."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Tell the client that its truncate does not apply."""

    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the client again that the contest is open."""

    utterance: int


@dataclass(frozen=True, slots=True)
class RepeatVerdict:
    """The client did not get the last verdict: send it again."""


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """Begin a turn of the user's."""


@dataclass(frozen=True, slots=True)
class DropWords:
    """Forget what was recognised meanwhile."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Say what was left unsaid."""


@dataclass(frozen=True, slots=True)
class ReportNoReply:
    """Tell the client that no reply comes."""


@dataclass(frozen=True, slots=True)
class ShowFloor:
    """Tell the client who has the floor."""

    floor: Floor


Order = (
    Pause
    | Accept
    | Reject
    | Ignore
    | Acknowledge
    | RepeatVerdict
    | OpenTurn
    | DropWords
    | GoOn
    | ReportNoReply
    | ShowFloor
)


@dataclass(frozen=True, slots=True)
class Mute:
    """A client's word: it has muted the bot at this sample, for this reason.

    Without a VAD of its own it only answers a pause, and tells no probability.
    """

    utterance: int
    at_sample: int
    probability: float | None = None
    noise_floor_db: float | None = None


@dataclass(slots=True)
class Contest:
    """An open contest and its evidence."""

    utterance: int
    at_sample: int | None
    since_ms: float
    preparing: bool
    evidence: Evidence
    meanwhile: list[Heard] = field(default_factory=list)
    """What the bot did behind the pause, in order."""

    def note_mute(self, mute: Mute) -> None:
        """A client says where it stopped; its word beats an estimate, and never runs backwards."""
        told = (mute.utterance, mute.at_sample)
        if self.at_sample is None or told > (self.utterance, self.at_sample):
            self.utterance, self.at_sample = told
        if mute.probability is not None:
            self.evidence = replace(
                self.evidence,
                client_probability=max(mute.probability, self.evidence.client_probability or 0),
                client_noise_floor_db=mute.noise_floor_db,
                client_speech_ended=False,
            )

    def note_speech(self, speech_ms: float) -> None:
        """The server's VAD has heard so much speech in one run."""
        longest_ms = max(self.evidence.speech_ms, speech_ms)
        self.evidence = replace(self.evidence, speech_ms=longest_ms)

    def note_silence(self, silence_ms: float, now_ms: float) -> None:
        """The server's VAD has heard no speech for so long; what was before counts not."""
        silence_ms = min(silence_ms, max(0.0, now_ms - self.since_ms))
        self.evidence = replace(self.evidence, silence_ms=silence_ms)

    def note_echo(self, correlation: float, *, is_echo: bool) -> None:
        """A window of the microphone had so much of the bot's own voice."""
        self.evidence = replace(
            self.evidence,
            echo_ms=self.evidence.echo_ms + (WINDOW_MS if is_echo else 0),
            echo_correlation=max(self.evidence.echo_correlation, correlation),
        )

    def as_of(self, now_ms: float) -> Evidence:
        """The evidence so far."""
        return replace(self.evidence, elapsed_ms=now_ms - self.since_ms)


@dataclass(slots=True)
class Arbiter:
    """See the module.

    `speech_ms` is the run of speech that the server's VAD is in, and `judged_ms` so much of it
    as was rejected already; `words_stream` says that the recogniser has told partial words.
    """

    rules: VerdictRules = field(default_factory=VerdictRules)
    barge_in_enabled: bool = True
    floor: Floor = Floor.IDLE
    epoch: int = 1
    contest: Contest | None = None
    client_has_vad: bool = True
    speech_ms: float = 0
    judged_ms: float = 0
    words_stream: bool = False
    processing_since_ms: float = 0
    witness: Witness | None = None
    """Who writes down every fact and every order."""

    def standing(self) -> dict[str, Any]:
        """Its state as plain values; what `Arbiter` takes again, while no contest is open."""
        settings = ("rules", "barge_in_enabled", "contest", "witness")
        names = (each.name for each in fields(self) if each.name not in settings)
        return {name: getattr(self, name) for name in names}

    # --- from the client ---------------------------------------------------------------

    @witnessed
    def truncate(
        self,
        utterance: int,
        at_sample: int,
        epoch: int,
        now_ms: float,
        *,
        playing: int,
        probability: float | None = None,
        noise_floor_db: float | None = None,
        pause_ms: float | None = None,
    ) -> list[Order]:
        """A client has muted the bot at this sample of this utterance.

        `pause_ms` is the silence that the server's VAD has heard behind the user's last sound,
        None if nobody spoke lately. `playing` is the utterance that the playout has under way, 0
        if none. The probability and the noise floor (dBFS) are its VAD's, None if that did not
        fire.
        """
        mute = Mute(utterance, at_sample, probability, noise_floor_db)
        if epoch < self.epoch:
            # Only a verdict ends an epoch: the last one brings the client up to date. An
            # `Ignore` would not do, for it would also end a contest that is open by now.
            return [RepeatVerdict()]
        if epoch > self.epoch:
            return [Ignore("the truncate is of an epoch that never was")]
        if self.contest is not None:
            return self._hear(Heard.VOICE, now_ms, mute=mute)
        if not self.barge_in_enabled:
            return [Ignore("this bot may not be interrupted")]
        if _hangs_on(pause_ms, at_sample):
            return [Ignore("what fired was the end of the user's turn, before the bot began")]
        if self.floor in (Floor.SPEAKING, Floor.PROCESSING) and utterance < playing:
            return [Ignore("that utterance was played to its end")]
        return self._hear(Heard.VOICE, now_ms, utterance=utterance, mute=mute)

    @witnessed
    def client_speech_ended(self, now_ms: float) -> list[Order]:
        """The client's VAD heard the speech end; evidence that a new onset takes back."""
        if self.contest is None:
            return []
        self.contest.evidence = replace(self.contest.evidence, client_speech_ended=True)
        return self._judge(now_ms)

    @witnessed
    def client_lost(self, now_ms: float) -> list[Order]:
        """The client's connection is lost: an open contest ends by the evidence so far."""
        return self._judge_at_deadline(now_ms)

    @witnessed
    def client_returned(self, now_ms: float, *, has_vad: bool) -> list[Order]:
        """Another connection takes the session up: audio of the one before is stale."""
        orders = self._judge_at_deadline(now_ms)
        self.client_has_vad = has_vad
        self.epoch += 1
        return orders

    # --- from the server's own ears -----------------------------------------------------

    @witnessed
    def window(
        self,
        *,
        speech_ms: float,
        silence_ms: float,
        now_ms: float,
        is_echo: bool = False,
        echo_correlation: float = 0,
        playing: int,
    ) -> list[Order]:
        """The server's VAD has scored a window: the run of speech so far, and the silence since.

        Echo is no speech, and does not count in the run. `playing` is as in `truncate`.
        """
        self._take_run(speech_ms)
        if self.contest is None:
            return self._suspect(now_ms, playing)
        self.contest.note_speech(self.fresh_ms)
        self.contest.note_echo(echo_correlation, is_echo=is_echo)
        self.contest.note_silence(silence_ms, now_ms)
        return self._judge(now_ms)

    @witnessed
    def speech_started(self, now_ms: float, *, playing: int) -> list[Order]:
        """The server's VAD is sure of speech; one that tells no windows is believed."""
        enough_ms = self.judged_ms + self.rules.min_speech_duration_ms
        self.speech_ms = max(self.speech_ms, enough_ms)
        return self._speech(now_ms, playing)

    @witnessed
    def speech_stopped(self) -> None:
        """The server's VAD has heard the speech end."""
        self.speech_ms = self.judged_ms = 0

    @witnessed
    def late_words(self, now_ms: float, *, playing: int) -> list[Order]:
        """Words of speech that is over take the floor: they were a turn, known too late."""
        orders = self._speech(now_ms, playing)
        if self.contest is not None:
            orders += self._hear(Heard.BARGE_IN, now_ms)
        return orders

    @witnessed
    def words(self, words: tuple[str, ...], now_ms: float, *, partial: bool = False) -> list[Order]:
        """The recogniser's words so far for the present speech; they may change if `partial`."""
        self.words_stream = self.words_stream or partial
        if self.contest is None:
            return []
        self.contest.evidence = replace(
            self.contest.evidence, words=words, words_stream=self.words_stream
        )
        return self._judge(now_ms)

    @witnessed
    def turn_ended(self, *, has_words: bool, now_ms: float) -> list[Order]:
        """The user's turn is over."""
        return self._hear(Heard.TURN_ENDED if has_words else Heard.MISFIRE, now_ms)

    # --- from the bot --------------------------------------------------------------------

    @witnessed
    def bot(self, heard: Heard, now_ms: float) -> list[Order]:
        """The bot's side: `REPLY_BEGUN`, `REPLY_EMPTY`, `BOT_STARTED` or `BOT_FINISHED`."""
        orders = self._hear(heard, now_ms)
        talking = self.fresh_ms >= self.rules.min_speech_duration_ms and self.barge_in_enabled
        if heard is Heard.BOT_STARTED and self.floor is Floor.SPEAKING and talking:
            # The user was speaking when it began: a barge-in at position 0.
            orders += self._hear(Heard.SPEECH, now_ms)
        return orders

    @witnessed
    def interrupted(self, now_ms: float) -> list[Order]:
        """Somebody else in the pipeline has interrupted the bot."""
        return self._hear(Heard.INTERRUPTED, now_ms)

    # --- from the clock ------------------------------------------------------------------

    @witnessed
    def tick(self, now_ms: float) -> list[Order]:
        """Time has passed; an open contest ends at its deadline."""
        return self._judge(now_ms)

    @witnessed
    def reply_overdue(self, now_ms: float) -> list[Order]:
        """A reply has been prepared for too long, and nothing of it was heard."""
        return self._hear(Heard.NO_REPLY, now_ms)

    @property
    def fresh_ms(self) -> float:
        """The speech of the run that no verdict was given on."""
        return self.speech_ms - self.judged_ms

    # --- inside --------------------------------------------------------------------------

    def _take_run(self, speech_ms: float) -> None:
        if speech_ms < self.judged_ms:
            self.judged_ms = 0
        self.speech_ms = speech_ms

    def _suspect(self, now_ms: float, playing: int) -> list[Order]:
        enough_ms = BACKUP_MS if self.client_has_vad else SUSPICIOUS_MS
        if not self.barge_in_enabled or self.fresh_ms < enough_ms:
            return []
        return self._hear(Heard.SUSPICION, now_ms, utterance=playing)

    def _speech(self, now_ms: float, playing: int) -> list[Order]:
        if not self.barge_in_enabled:
            patient = now_ms - self.processing_since_ms < PATIENCE_MS
            if self.floor is Floor.SPEAKING or (self.floor is Floor.PROCESSING and patient):
                return []
        return self._hear(Heard.SPEECH, now_ms, utterance=playing)

    def _judge(self, now_ms: float) -> list[Order]:
        if self.contest is None:
            return []
        contest = self.contest
        verdict = decide(contest.as_of(now_ms), self.rules)
        if verdict is None:
            return []
        if verdict.accepted:
            return self._hear(Heard.BARGE_IN, now_ms, verdict=verdict)
        nothing = Heard.FALSE_ALARM_EARLY if contest.preparing else Heard.FALSE_ALARM
        orders = self._hear(nothing, now_ms, verdict=verdict)
        for heard in contest.meanwhile:
            orders += self._hear(heard, now_ms)
        return orders

    def _judge_at_deadline(self, now_ms: float) -> list[Order]:
        """Nothing more can be learnt: decide as if all the time for it had passed."""
        if self.contest is None:
            return []
        return self._judge(max(now_ms, self.contest.since_ms + self.rules.deadline_ms))

    def _hear(
        self,
        heard: Heard,
        now_ms: float,
        *,
        utterance: int = 0,
        mute: Mute | None = None,
        verdict: Verdict | None = None,
    ) -> list[Order]:
        before = self.floor
        rule = step(before, heard)
        self.floor = rule.next
        if self.floor is Floor.PROCESSING and before is not Floor.PROCESSING:
            self.processing_since_ms = now_ms
        orders: list[Order] = []
        for do in rule.do:
            match do:
                case Do.PAUSE:
                    self._open(before, utterance, mute, now_ms)
                    orders.append(Pause(utterance))
                case Do.FLUSH:
                    orders.append(self._accept(before, now_ms))
                case Do.RESUME:
                    orders.append(self._reject(verdict, now_ms))
                case Do.OPEN_TURN:
                    orders.append(OpenTurn())
                case Do.DROP_WORDS:
                    orders.append(DropWords())
                case Do.GO_ON:
                    orders.append(GoOn())
                case Do.REPORT:
                    orders.append(ReportNoReply())
                case Do.IGNORE:
                    orders.append(Ignore(f"the bot is not speaking, it is {before}"))
                case Do.KEEP:
                    if self.contest is not None:
                        self.contest.meanwhile.append(heard)
                case Do.EVIDENCE:
                    orders.extend(self._note(mute))
        if self.floor is not before:
            orders.append(ShowFloor(self.floor))
        if Do.PAUSE in rule.do or Do.EVIDENCE in rule.do:
            orders.extend(self._judge(now_ms))
        return orders

    def _open(self, before: Floor, utterance: int, mute: Mute | None, now_ms: float) -> None:
        preparing = before is Floor.PROCESSING
        evidence = Evidence(0, speech_ms=self.fresh_ms, words_stream=self.words_stream)
        self.contest = Contest(utterance, None, now_ms, preparing=preparing, evidence=evidence)
        if mute is not None:
            self.contest.note_mute(mute)

    def _note(self, mute: Mute | None) -> list[Order]:
        """More evidence for the open contest: a client's word, or the server's own onset."""
        if self.contest is None:
            return []
        if mute is None:
            self.contest.note_speech(self.fresh_ms)
            return []
        self.contest.note_mute(mute)
        return [Acknowledge(mute.utterance)]

    def _accept(self, before: Floor, now_ms: float) -> Accept:
        contest, self.contest = self.contest, None
        self.epoch += 1
        if contest is None:
            return Accept(0, None, 0, preparing=before is Floor.PROCESSING)
        evidence = contest.as_of(now_ms)
        return Accept(
            contest.utterance,
            contest.at_sample,
            evidence.elapsed_ms,
            contest.preparing,
            evidence,
        )

    def _reject(self, verdict: Verdict | None, now_ms: float) -> Reject:
        contest, self.contest = self.contest, None
        self.epoch += 1
        self.judged_ms = self.speech_ms
        if contest is None or verdict is None or verdict.reason is None:
            raise AssertionError("only an open contest can be rejected")
        evidence = contest.as_of(now_ms)
        return Reject(
            contest.utterance, contest.at_sample, verdict.reason, evidence.elapsed_ms, evidence
        )


def _hangs_on(pause_ms: float | None, at_sample: int) -> bool:
    """Whether it was the end of the user's own turn that the bot's first sound met."""
    if pause_ms is None or at_sample > HANGS_ON_SAMPLES:
        return False
    return HANGS_ON_MS[0] <= pause_ms <= HANGS_ON_MS[1]
