"""Ear, gate and player of a client whose session is open; the same decisions as the browser's.

`transports/client/engine/engine.js` is the same in JavaScript, and a test holds both
together. Time is counted in quanta, so that a mute and its end stand at an exact sample.
It is long since it is the one place where hearing, contest, admission and player meet;
each of them decides in its own file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from bargein.client.admission import Admission
from bargein.client.contest import Contest, Evidence
from bargein.client.ear import Ear
from bargein.client.events import (
    Detected,
    Event,
    Finished,
    Muted,
    Overflowed,
    Phase,
    Sounded,
    Underrun,
    Unmuted,
    VerdictHeard,
)
from bargein.client.player import (
    Gate,
    Overflow,
    PlayedToEnd,
    Player,
    Starved,
    Telling,
)
from bargein.client.player import Played as PlayedNow
from bargein.client.progress import Progress
from bargein.gate import NO_GATE_DB
from bargein.packet import Kind, Packet
from bargein.protocol import (
    PLAYED_EVERY_MS,
    WINDOW_SAMPLES,
    Accepted,
    ClientMessage,
    Contested,
    Ignored,
    Ping,
    Played,
    Rejected,
    ServerMessage,
    SpeechEnded,
)

QUANTUM_SAMPLES = 128
"""Web Audio's render quantum: what changes between two samples changes at a quantum's begin."""
CLOSED = frozenset({"ducked", "muted"})
"""Somebody speaks over the bot; a mere hint is no news."""
LATE_VERDICT_MS = 300
"""What is of a newer epoch overtakes its verdict by less than this, or the verdict is lost."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What kind of client it is."""

    vad: bool = True
    """It detects speech and mutes the bot by itself."""
    report_played: bool = True
    """It tells its position; one that does not is allowed, and must do no harm."""
    overlap: Literal["mute", "duck"] = "mute"
    """What happens to the bot while the user speaks."""
    duck_on_hint: bool = True
    """It ducks the bot when a voice may be beginning."""
    threshold: float | None = None
    """A window at or above it is speech; None for the server's, and its gates."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a session begins with."""

    epoch: int
    rate_hz: int
    """Of the bot's audio."""
    threshold: float
    utterance: int = 0
    """What was playing when the connection was lost, and how much of it was played."""
    played: int = 0
    cut_at: tuple[int, int] | None = None
    """Where the bot was cut off last before that."""


class Engine:
    """One session's audio; what it sends goes to `send`, what it tells to `tell`."""

    def __init__(
        self,
        settings: ClientSettings,
        start: Start,
        *,
        send: Callable[[ClientMessage | Packet], None],
        tell: Callable[[Event], None],
    ) -> None:
        """Begin a session."""
        self.settings = settings
        self.threshold = start.threshold
        self.gate_db = self.echo_gate_db = NO_GATE_DB
        """A window of a lower level is silence; the second one counts while the bot speaks."""
        self._rate_hz = start.rate_hz
        self._send = send
        self._tell = tell
        self._ear = Ear()
        self._player = Player(start.rate_hz, self._hear_player)
        self._admission = Admission(start.epoch, start.rate_hz)
        self._contest = Contest()
        self._progress = Progress(PLAYED_EVERY_MS)
        self._now_ms = 0.0
        self._windows = 0
        # Where in the rendered block the quantum begins, and the stretch that is sounding in it.
        self._offset = 0
        self._sounding: Sounded | None = None
        # This run of speech was judged to be no barge-in, and contests nothing any more.
        self._spent = False
        # Nobody hears a truncate any more.
        self._lost = False
        # Since when a newer epoch is known than any verdict has told.
        self._ahead_since_ms: float | None = None
        self.cut_at = start.cut_at
        """Where the bot was cut off last, told again and again: it may have been lost."""
        self.last_heard = (start.utterance, start.played)
        """The utterance of which something was heard last, and how much of it was played."""
        self._player.pass_over(start.utterance)
        if start.played > 0:
            self._player.expect(start.utterance, start.played)

    @property
    def epoch(self) -> int:
        """The last one that was taken over."""
        return self._admission.epoch

    @property
    def gate(self) -> Gate:
        """What the bot's voice passes."""
        return self._player.gate

    @property
    def position(self) -> tuple[int, int] | None:
        """The utterance that plays or is the next to, and how much of it was played."""
        current = self._player.current
        return (current.id, current.played) if current else None

    # --- the microphone ----------------------------------------------------------------

    def hear(self, pcm: bytes, probability: float, now_ms: float) -> None:
        """One window of the microphone, scored."""
        self._now_ms = now_ms
        start_sample = self._windows * WINDOW_SAMPLES
        self._windows += 1
        self._send(Packet(Kind.MICROPHONE, self.epoch, 0, start_sample, pcm))
        if not self.settings.vad:
            return
        change = self._ear.hear(pcm, probability, self.threshold, self._level_gate_db)
        if change == "onset":
            self._hear_onset()
        if change == "offset":
            self._send(SpeechEnded(window_index=self._ear.first_silent_window))

    @property
    def _level_gate_db(self) -> float:
        current = self._player.current
        bot_speaks = current is not None and current.begun
        return max(self.gate_db, self.echo_gate_db) if bot_speaks else self.gate_db

    def _hear_onset(self) -> None:
        self._spent = False
        attempt, current = self._contest.open, self._player.current
        if attempt is not None:
            self._detect(attempt.utterance)
        elif current is not None:
            self._detect(current.id)

    def _contest_what_is_about_to_begin(self) -> None:
        """The bot begins while the user is speaking: contested at its first sample."""
        current = self._player.current
        if current is None or current.begun or not self._ear.speaking or self._spent:
            return
        if self._contest.open is None and self._contest.last_utterance != current.id:
            self._detect(current.id)

    def _detect(self, utterance: int) -> None:
        if self._lost:
            return
        if self._contest.open is None:
            ear, played = self._ear, self._player.played_of(utterance)
            told = (utterance, played, ear.probability, ear.window_index)
            self._tell(Detected(self._now_ms, *told))
        self._begin_contest(utterance, detected=True)

    # --- the contest -------------------------------------------------------------------

    def _begin_contest(self, utterance: int, *, detected: bool) -> None:
        evidence = self._evidence(utterance)
        self._send(self._contest.begin(utterance, evidence, self._now_ms, detected=detected))
        self._open_or_close_gate()

    def _evidence(self, utterance: int) -> Evidence:
        ear = self._ear
        played = self._player.played_of(utterance)
        return Evidence(played, ear.probability, ear.window_index, ear.noise_floor_db)

    def _open_or_close_gate(self) -> None:
        was_closed = self._player.gate in CLOSED
        closed: Gate = "ducked" if self.settings.overlap == "duck" else "muted"
        hinted = self.settings.duck_on_hint and self._ear.hinted
        self._player.gate = closed if self._contest.open else "hinted" if hinted else "open"
        if (self._player.gate in CLOSED) == was_closed:
            return
        if (attempt := self._contest.open) is not None:
            is_ducked = closed == "ducked"
            self._tell(Muted(self._now_ms, attempt.utterance, attempt.at_sample, is_ducked))
        else:
            self._tell(Unmuted(self._now_ms, *(self.position or (0, 0))))

    def _tick_contest(self) -> None:
        if self._contest.is_lost(self._now_ms):
            self._close_contest("lost", reason="no verdict came")
        elif (attempt := self._contest.open) is not None:
            truncate = self._contest.repeat(self._evidence(attempt.utterance), self._now_ms)
            if truncate is not None:
                self._send(truncate)

    def _close_contest(self, phase: Phase, *, reason: str = "", verdict: object = None) -> None:
        attempt = self._contest.close()
        if attempt is not None:
            told = replace(attempt.told(phase, self._now_ms), reason=reason)
            self._tell(_with_texts(told, verdict))
        self._open_or_close_gate()

    # --- what the server says ----------------------------------------------------------

    def receive_packet(self, packet: Packet, now_ms: float) -> None:
        """A stretch of the bot's voice."""
        self._now_ms = now_ms
        self._note_epoch(packet.epoch)
        if self._admission.admits(packet):
            self._player.append(packet)

    def receive(self, message: ServerMessage, now_ms: float) -> None:
        """A message; those that do not concern the floor change nothing here."""
        self._now_ms = now_ms
        self._note_epoch(message.epoch)
        match message:
            case Contested():
                self._contested(message)
            case Accepted() if self._is_news(message):
                self._accepted(message)
            case Rejected() if self._is_news(message):
                self._rejected(message)
            case Ignored():
                self._close_contest("ignored", reason=message.reason)

    def lose_connection(self, now_ms: float) -> None:
        """The connection is gone: what is here plays on."""
        self._now_ms, self._lost = now_ms, True
        self._close_contest("lost", reason="the connection was lost")

    def report(self) -> None:
        """Tell again where the bot was cut off last; the heartbeat asks for it."""
        if self.cut_at is not None:
            self._send_played(*self.cut_at, finished=False)

    def _contested(self, message: Contested) -> None:
        if message.epoch < self.epoch:
            return
        if self._contest.open is None:
            self._begin_contest(message.utterance, detected=False)
        attempt = self._contest.open
        if attempt is not None:
            attempt.contested = True
            self._tell(attempt.told("contested", self._now_ms))

    def _accepted(self, message: Accepted) -> None:
        # Of the utterance that plays: the server may have guessed another one.
        last = max(message.utterance, self.last_heard[0])
        self.cut_at = self.position or (last, self._player.played_of(last))
        if (attempt := self._contest.open) is not None:
            attempt.at_sample = self._player.played_of(message.utterance)
        self._player.drop()
        self._advance(message.epoch)
        self.report()
        self._close_contest("accepted", verdict=message)

    def _rejected(self, message: Rejected) -> None:
        if message.epoch > self.epoch + 1:
            # A verdict before this one is lost, and what is here may be stale.
            self._player.drop()
        self._spent = self._ear.speaking
        if not self._player.was_finished(message.utterance):
            self._player.expect(message.utterance, message.at_sample)
        self._advance(message.epoch)
        self._close_contest("rejected", reason=message.reason)

    def _note_epoch(self, epoch: int) -> None:
        """Something is of a newer epoch: its verdict is lost, unless it is only late."""
        if epoch > self.epoch and self._ahead_since_ms is None:
            self._ahead_since_ms = self._now_ms

    def _repair(self) -> None:
        """Ask for a verdict that stays away: whatever is said under an old epoch gets it again."""
        since_ms = self._ahead_since_ms
        if since_ms is not None and self._now_ms - since_ms >= LATE_VERDICT_MS:
            self._ahead_since_ms = self._now_ms
            self._send(Ping(clock_ms=self._now_ms))

    def _is_news(self, message: ServerMessage) -> bool:
        """A verdict that was heard before changes nothing."""
        return message.epoch > self.epoch

    def _advance(self, epoch: int) -> None:
        self._ahead_since_ms = None
        for packet in self._admission.advance(epoch):
            self._player.append(packet)

    # --- the loudspeaker ---------------------------------------------------------------

    def render(self, samples: int, now_ms: float) -> bytes:
        """Play so many samples, the first of them at `now_ms`."""
        output = bytearray()
        for self._offset in range(0, samples, QUANTUM_SAMPLES):
            self._now_ms = now_ms + self._offset * 1000 / self._rate_hz
            output += self._quantum(min(QUANTUM_SAMPLES, samples - self._offset))
        self._tell_sounded()
        return bytes(output)

    def _quantum(self, samples: int) -> bytes:
        self._repair()
        self._contest_what_is_about_to_begin()
        self._open_or_close_gate()
        output = self._player.render(samples)
        self._tick_contest()
        told = self._progress.tick(self.position, self._now_ms)
        if told is not None:
            self._send_played(*told, finished=False)
        return output

    def tick(self, now_ms: float) -> None:
        """Time passes, also while nothing is rendered."""
        self._now_ms = now_ms
        self._repair()
        self._tick_contest()

    def _hear_player(self, telling: Telling) -> None:
        now_ms = self._now_ms
        match telling:
            case PlayedToEnd(utterance, played):
                self._send_played(utterance, played, finished=True)
                self._tell(Finished(now_ms, utterance, played))
            case Starved(utterance, samples, lost, lost_at):
                self._tell_sounded()  # it was before, even in this very block
                self._tell(Underrun(now_ms, utterance, samples, lost, lost_at))
            case PlayedNow():
                self._sound(telling)
            case Overflow(utterance):
                self._tell(Overflowed(now_ms, utterance))

    def _sound(self, played: PlayedNow) -> None:
        self.last_heard = (played.utterance, played.start_sample + played.samples)
        offset = self._offset + played.offset
        before = self._sounding
        if before is not None and _goes_on(before, played, offset):
            self._sounding = replace(before, samples=before.samples + played.samples)
            return
        self._tell_sounded()
        at_ms = self._now_ms + played.offset * 1000 / self._rate_hz
        self._sounding = Sounded(
            at_ms, played.utterance, played.start_sample, played.samples, offset
        )

    def _tell_sounded(self) -> None:
        if self._sounding is not None:
            self._tell(self._sounding)
        self._sounding = None

    def _send_played(self, utterance: int, played: int, *, finished: bool) -> None:
        if self.settings.report_played:
            self._send(Played(utterance=utterance, played_samples=played, finished=finished))


def _goes_on(before: Sounded, played: PlayedNow, offset: int) -> bool:
    follows = offset == before.offset_samples + before.samples
    same = played.utterance == before.utterance
    return follows and same and played.start_sample == before.start_sample + before.samples


def _with_texts(told: VerdictHeard, verdict: object) -> VerdictHeard:
    if not isinstance(verdict, Accepted):
        return told
    return replace(
        told,
        heard_text=verdict.heard_text,
        unheard_text=verdict.unheard_text,
        cut_samples=verdict.cut_samples,
    )
