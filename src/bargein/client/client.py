"""A client of bargein/1 without clock and I/O: its connection, around the engine of a session.

`take` gives what goes to the network, `receive` takes what comes; the caller says what
time it is. A connection that was lost is taken up again with `connect`.
"""

from __future__ import annotations

import json
from typing import get_args

from bargein.client.engine import CLOSED, ClientSettings, Engine, Start
from bargein.client.events import (
    ErrorShown,
    Event,
    FloorShown,
    RoundTrip,
    ServerSilent,
    ThresholdSet,
    TranscriptShown,
    WelcomeHeard,
    WordsShown,
)
from bargein.client.heartbeat import Heartbeat
from bargein.errors import ProtocolError
from bargein.floor import Floor
from bargein.packet import BYTES_PER_SAMPLE, Kind, Packet
from bargein.protocol import (
    Accepted,
    Capabilities,
    ClientMessage,
    Codec,
    Contested,
    Error,
    Goodbye,
    Hello,
    Ignored,
    Ping,
    Pong,
    Rejected,
    Resume,
    ServerMessage,
    State,
    Transcript,
    VadSettings,
    Welcome,
    Words,
)

__all__ = ["Client", "ClientSettings"]

HELLO_EVERY_MS = 1000
"""A hello is said again until the welcome comes: either may be lost."""
SERVER_TYPES = frozenset(model.model_fields["type"].default for model in get_args(ServerMessage))


class Client:
    """A listener with a microphone; bound to no transport."""

    def __init__(self, settings: ClientSettings, *, resume: Resume | None = None) -> None:
        """Take up the session that `resume` names, if any."""
        self.settings = settings
        self.welcome: Welcome | None = None
        self.floor = Floor.IDLE
        self._resume = resume
        self._engine: Engine | None = None
        self._heartbeat: Heartbeat | None = None
        self._connected = False
        self._helloed_ms = 0.0
        self._lost_ms: float | None = None
        self._cut_at: tuple[int, int] | None = None
        self._floor_seq = 0
        self._said = self._told = ""
        """The last final transcript; and the same where a session that was taken up repeats it."""
        self._trip_ms: float | None = None
        self._offset_ms: float | None = None
        self._seq = 0
        self._outgoing: list[str | bytes] = []
        self._events: list[Event] = []

    # --- what it is ---------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether it is connected and was welcomed."""
        return self._connected and self.welcome is not None

    @property
    def epoch(self) -> int:
        """The last epoch that it has taken over; 0 before the first welcome."""
        return self._engine.epoch if self._engine else 0

    @property
    def muted(self) -> bool:
        """Whether the bot can't be heard, since somebody spoke over it."""
        return self._engine is not None and self._engine.gate == "muted"

    @property
    def contesting(self) -> bool:
        """Whether a verdict is awaited; the bot is muted or ducked."""
        return self._engine is not None and self._engine.gate in CLOSED

    @property
    def threshold(self) -> float:
        """A window at or above it is speech."""
        return self._engine.threshold if self._engine else self.settings.threshold or 0.0

    @property
    def position(self) -> tuple[int, int]:
        """The utterance that plays, or played last, and how much of it was played."""
        return self._position or (self._engine.last_heard if self._engine else (0, 0))

    @property
    def playing(self) -> bool:
        """Whether anything is left to play."""
        return self._position is not None

    # --- the connection ------------------------------------------------------------------

    def connect(self, now_ms: float) -> None:
        """Say hello; what was left of the last connection is heard no more."""
        if self.welcome is not None:
            utterance, played = self.position
            self._resume = Resume(
                session=self.welcome.session,
                key=self.welcome.key,
                utterance=utterance,
                played_samples=played,
            )
        if self._resume is not None and self._lost_ms is not None:
            away_ms = now_ms - self._lost_ms
            self._resume = self._resume.model_copy(update={"away_ms": away_ms})
        self._cut_at = self._engine.cut_at if self._engine else self._cut_at
        self._engine = self._heartbeat = self.welcome = None
        self._connected = True
        self._seq = self._floor_seq = 0
        self._outgoing.clear()
        self._say_hello(now_ms)

    def disconnect(self, now_ms: float) -> None:
        """The connection is gone: what is here plays on."""
        self._connected = False
        self._outgoing.clear()
        if self.welcome is not None:
            self._lost_ms = now_ms
        if self._engine:
            self._engine.lose_connection(now_ms)

    def leave(self) -> None:
        """Say goodbye: the session ends at once, and is not to be taken up again."""
        self._send(Goodbye())
        self._resume = self.welcome = None

    def _say_hello(self, now_ms: float) -> None:
        self._helloed_ms = now_ms
        capabilities = Capabilities(vad=self.settings.vad, exact_playout=True)
        self._send(Hello(capabilities=capabilities, clock_ms=now_ms, resume=self._resume))

    def _start(self, welcome: Welcome, now_ms: float) -> None:
        resume, self._resume, self._lost_ms = self._resume, None, None
        resumed = resume is not None and resume.session == welcome.session
        taken = _taken_up(resume, welcome) if resume and resumed else (0, 0)
        self.welcome = welcome
        self._heartbeat = Heartbeat(now_ms)
        own = self.settings.threshold
        start = Start(
            welcome.epoch,
            welcome.sample_rate_hz,
            welcome.probability_threshold if own is None else own,
            *taken,
            cut_at=self._cut_at if resumed else None,
        )
        self._engine = Engine(self.settings, start, send=self._send, tell=self._events.append)
        self._told = self._said if resumed else ""
        self._events.append(WelcomeHeard(now_ms, welcome.session, resumed))
        self._show_floor(welcome, welcome.state, now_ms)

    # --- what comes ----------------------------------------------------------------------

    def receive(self, data: str | bytes, now_ms: float) -> None:
        """Take a message or a packet; ProtocolError where it can't be read."""
        if isinstance(data, str):
            self._receive_text(data, now_ms)
            return
        packet = Packet.unpack(data)
        if packet.kind is not Kind.BOT:
            raise ProtocolError("bad_packet", "a server sends packets of kind 1, bot")
        if self._engine and self._connected:
            self._hear_server(now_ms)
            self._engine.receive_packet(packet, now_ms)

    def _receive_text(self, text: str, now_ms: float) -> None:
        if _is_unknown(text):
            return
        message = Codec.read_server(text)
        if not self._connected:
            return
        if self._engine is None:
            if isinstance(message, Welcome):
                self._start(message, now_ms)
            elif isinstance(message, Error):
                self._show(message, now_ms)
            return
        self._hear_server(now_ms)
        self._engine.receive(message, now_ms)
        self._show(message, now_ms)

    def _hear_server(self, now_ms: float) -> None:
        if self._heartbeat:
            self._heartbeat.hear(now_ms)

    def _show(self, message: ServerMessage, now_ms: float) -> None:
        match message:
            case State() | Ignored():
                self._show_floor(message, message.state, now_ms)
            case Contested():
                self._show_floor(message, Floor.CONTESTED, now_ms)
            case Accepted():
                self._show_floor(message, Floor.LISTENING, now_ms)
            case Rejected():
                self._show_floor(message, Floor.SPEAKING, now_ms)
            case Words(utterance=utterance, first_word=first, words=words):
                self._events.append(WordsShown(now_ms, utterance, first, words))
            case Transcript(text=text, final=final):
                self._show_transcript(text, final, now_ms)
            case VadSettings():
                self._set_threshold(message, now_ms)
            case Pong(clock_ms=sent_ms, server_clock_ms=server_ms):
                self._show_floor(message, message.state, now_ms)
                self._trip_ms = now_ms - sent_ms
                self._offset_ms = server_ms - (sent_ms + self._trip_ms / 2)
                self._events.append(RoundTrip(now_ms, self._trip_ms, self._offset_ms))
            case Error(code=code, message=text, final=final):
                self._events.append(ErrorShown(now_ms, code, text, final))

    def _show_floor(self, message: ServerMessage, floor: Floor | None, now_ms: float) -> None:
        """Show it, unless something newer has overtaken it."""
        if floor is None or message.seq < self._floor_seq:
            return
        self.floor, self._floor_seq = floor, message.seq
        self._events.append(FloorShown(now_ms, floor))

    def _show_transcript(self, text: str, final: bool, now_ms: float) -> None:
        """Show it, unless it is the one that was shown before the connection was lost."""
        told, self._told = self._told, ""
        if final:
            self._said = text
        if not final or text != told:
            self._events.append(TranscriptShown(now_ms, text, final))

    def _set_threshold(self, message: VadSettings, now_ms: float) -> None:
        if self._engine and self.settings.threshold is None:
            self._engine.threshold = message.probability_threshold
            self._engine.gate_db = message.gate_db
            self._engine.echo_gate_db = message.echo_gate_db
        told = (self.threshold, message.noise_floor_db)
        self._events.append(ThresholdSet(now_ms, *told))

    # --- ear, loudspeaker, clock ----------------------------------------------------------

    def hear(self, pcm: bytes, probability: float, now_ms: float) -> None:
        """One microphone window of 512 samples, scored by the caller; it goes to the server."""
        if self._engine and self._connected:
            self._engine.hear(pcm, probability, now_ms)

    def render(self, samples: int, now_ms: float) -> bytes:
        """What the loudspeaker plays from now on: PCM16 at the rate of the bot's audio."""
        if self._engine is None:
            return bytes(samples * BYTES_PER_SAMPLE)
        return self._engine.render(samples, now_ms)

    def tick(self, now_ms: float) -> None:
        """Time passes: hello and truncate are repeated, lost verdicts repaired, pings sent."""
        if not self._connected:
            return
        if self._engine is None or self._heartbeat is None:
            if now_ms - self._helloed_ms >= HELLO_EVERY_MS:
                self._say_hello(now_ms)
            return
        self._engine.tick(now_ms)
        due = self._heartbeat.tick(now_ms)
        if due == "ping":
            self._engine.report()
            self._send(
                Ping(clock_ms=now_ms, round_trip_ms=self._trip_ms, offset_ms=self._offset_ms)
            )
        elif due == "dead":
            self._events.append(ServerSilent(now_ms))

    # --- what goes out --------------------------------------------------------------------

    def take(self) -> list[str | bytes]:
        """Give, and forget, what goes to the network, in order."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def events(self) -> list[Event]:
        """Give, and forget, what happened since it was last asked, in order."""
        events = list(self._events)
        self._events.clear()
        return events

    @property
    def _position(self) -> tuple[int, int] | None:
        return self._engine.position if self._engine else None

    def _send(self, what: ClientMessage | Packet) -> None:
        if not self._connected:
            return
        if isinstance(what, Packet):
            self._outgoing.append(what.pack())
            return
        self._seq += 1
        session = self.welcome.session if self.welcome else ""
        stamp = {"session": session, "seq": self._seq, "epoch": self.epoch}
        self._outgoing.append(Codec.write(what.model_copy(update=stamp)))


def _taken_up(resume: Resume, welcome: Welcome) -> tuple[int, int]:
    """Where the bot's voice goes on: where the server says, or else where the client was."""
    goes_on = welcome.goes_on
    if goes_on is None:
        return resume.utterance, resume.played_samples
    if not goes_on.utterance:
        return resume.utterance, 0
    return goes_on.utterance, goes_on.at_sample


def _is_unknown(text: str) -> bool:
    """Whether a processor of the user's own sent it to its own client, or a newer server did."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind not in SERVER_TYPES
