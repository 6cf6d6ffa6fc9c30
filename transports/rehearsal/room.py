"""The rehearsal room in real time: client, network, user and ear, in steps of 8 ms.

Vendors and worker processes live in real time, so the room does too. It shares the event
loop with the bot: where the machine stalls, both stand still, and the room goes on where it
was, so that its sound has no gap; how long that was is counted. What decides is pure and
stands in `bargein/rehearsal/`; here it is only driven. It is long because a step has one
order, from the network over the ear and the mouth to the loudspeaker, to be read in one place.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bargein.client.client import Client, ClientSettings
from bargein.client.events import WelcomeHeard
from bargein.errors import ProtocolError
from bargein.processors.clock import monotonic_ms
from bargein.processors.silero import Silero
from bargein.protocol import WINDOW_SAMPLES, Message
from bargein.rehearsal.acoustics import EchoPath, Microphone
from bargein.rehearsal.acts import Prompter
from bargein.rehearsal.ending import Ending
from bargein.rehearsal.expectations import Evidence, Finding, judge
from bargein.rehearsal.expectations import Message as ContextMessage
from bargein.rehearsal.hearing import Hearing
from bargein.rehearsal.levels import RATE_HZ, Sound, from_pcm, to_pcm
from bargein.rehearsal.moments import Moment, What
from bargein.rehearsal.network import Network, NetworkSettings
from bargein.rehearsal.noting import client_moments, server_moment
from bargein.rehearsal.scenario import Scenario
from bargein.transports.rehearsal.line import Line
from bargein.voice_activity import Refresh

STEP_MS = 8
STEP_SAMPLES = RATE_HZ * STEP_MS // 1000
STALL_MS = 3 * STEP_MS
"""A step that is later than this is a stall of the machine."""
WELCOME_MS = 30_000
"""Nobody hangs up on a bot that is still being made; it gives up before that."""
WINDOW_BYTES = WINDOW_SAMPLES * 2
JUDGED_EVERY_STEPS = 5


@dataclass(slots=True)
class Tapes:
    """What sounded, from the moment the client connected; PCM16."""

    heard: bytearray = field(default_factory=bytearray)
    """By the user's ear, at the rate of the bot's voice."""
    microphone: bytearray = field(default_factory=bytearray)
    """By the microphone, at 16 kHz."""


class Room:
    """Plays one scenario against whatever serves `line`."""

    def __init__(
        self,
        scenario: Scenario,
        sounds: Sequence[Sound],
        *,
        noise: Sound | None,
        rate_hz: int,
        seed: int,
    ) -> None:
        """`sounds` are those of the acts, in order; `rate_hz` is the rate of the bot's voice."""
        self.scenario = scenario
        self.moments: list[Moment] = []
        self.tapes = Tapes()
        self.hearing = Hearing(rate_hz)
        self.line = Line(transmit=self._transmit, note=self._note_sent)
        self.stalled_ms = 0.0
        """For so long in all the machine stalled, once the bot was made."""
        self.context: Callable[[], Sequence[ContextMessage]] = tuple
        """What the LLM's context holds; given by whoever runs the bot."""
        self.at_end: Callable[[], None] = _nothing
        """Called when all was played, before the client hangs up."""
        self._findings: list[Finding] = []
        self._last_sent: Moment | None = None
        self._rate_hz = rate_hz
        self._sounds = sounds
        plan = scenario.client
        self._client = Client(
            ClientSettings(
                vad=plan.vad,
                report_played=plan.report_played,
                overlap=plan.overlap,
                duck_on_hint=plan.duck_on_hint,
                threshold=plan.threshold,
            )
        )
        self._silero = Silero() if plan.vad else None
        self._refresh = Refresh()
        self._window = bytearray()
        self._microphone = Microphone(noise=noise, seed=seed)
        echo = plan.echo
        self._echo = (
            EchoPath(gain_db=echo.gain_db, delay_ms=echo.delay_ms, rate_hz=rate_hz)
            if echo
            else None
        )
        network = network_settings(scenario)
        self._uplink, self._downlink = Network(network, seed), Network(network, seed + 1)
        self._prompter = Prompter(scenario.user)
        self._sounding: list[tuple[int, int]] = []
        self._outages = list(scenario.network.disconnect)
        self._back_ms: float | None = None
        self._steps = 0
        self._welcomed = False
        self._start_ms = 0.0
        self._ending = Ending(scenario)

    # --- what the runner sees -----------------------------------------------------------

    @property
    def now_ms(self) -> float:
        """Since the client connected; while the machine stalls, it stands still."""
        return min(self._wall_ms, self.played_ms + STALL_MS)

    @property
    def played_ms(self) -> float:
        """How much of the rehearsal was played."""
        return self._steps * STEP_MS

    @property
    def findings(self) -> list[Finding]:
        """The expectations, held against what happened until the end."""
        return self._findings

    @property
    def waits_for(self) -> str:
        """What the next act waits for; empty when all acts have begun."""
        return self._prompter.waits_for

    def note(self, moment: Moment) -> None:
        """Put something on the timeline."""
        self.moments.append(moment)

    @property
    def _wall_ms(self) -> float:
        return monotonic_ms() - self._start_ms

    async def live(self) -> None:
        """Play the scenario to its end, then hang up."""
        self._start_ms = monotonic_ms()
        self._connect(0)
        try:
            while not self.line.closed.is_set():
                self._carry_up()
                self._stand_still()
                if self._wall_ms >= self.played_ms:
                    self._step(self.played_ms)
                    self._steps += 1
                    if self._steps % JUDGED_EVERY_STEPS == 0 and self._is_over():
                        return
                await asyncio.sleep(self._idle_ms / 1000)
        finally:
            # Before the bot learns that nobody is there any more, and tidies up.
            self._judge()
            self.at_end()
            self.line.hang_up()

    # --- one step -----------------------------------------------------------------------

    def _step(self, now_ms: float) -> None:
        """At `now_ms` the microphone has heard the step before, and this one begins to sound."""
        self._lose_or_find_connection(now_ms)
        for data in self._downlink.due(now_ms):
            self._receive(data, now_ms)
        if self._steps:
            self._hear(now_ms)
        self._act(now_ms)
        self._client.tick(now_ms)
        self._play(now_ms)
        for out in self._client.take():
            self._uplink.send(out, now_ms)
        self._note_events()

    def _receive(self, data: str | bytes, now_ms: float) -> None:
        try:
            self._client.receive(data, now_ms)
        except ProtocolError as error:
            self.note(Moment(now_ms, What.ERROR, text=f"the server sent nonsense: {error}"))

    def _hear(self, now_ms: float) -> None:
        echo = self._echo.hear(STEP_SAMPLES) if self._echo else None
        pcm = to_pcm(self._microphone.hear(STEP_SAMPLES, echo))
        self.tapes.microphone += pcm
        self._window += pcm
        if len(self._window) >= WINDOW_BYTES:
            window = bytes(self._window[:WINDOW_BYTES])
            del self._window[:WINDOW_BYTES]
            self._client.hear(window, self._probability(window), now_ms)

    def _probability(self, window: bytes) -> float:
        if self._silero is None:
            return 0.0
        probability = self._silero.probability(window)
        if self._refresh.due(probability, speaking=self._client.contesting):
            self._silero.reset()
        return probability

    def _act(self, now_ms: float) -> None:
        while due := self._prompter.due(self.moments, now_ms):
            number, act = due
            if act.send is not None:
                self._send(act.send, now_ms)
                continue
            end = self._microphone.begin(self._sounds[number])
            self._sounding.append((end, number))
            self.note(Moment(now_ms, What.USER_STARTED, text=act.about))
        for end, number in [each for each in self._sounding if each[0] <= self._microphone.samples]:
            self._sounding.remove((end, number))
            about = self.scenario.user[number].about
            self.note(Moment(now_ms, What.USER_STOPPED, text=about))

    def _send(self, message: Mapping[str, Any], now_ms: float) -> None:
        """Send what the scenario wrote, as this client would stamp it."""
        welcome = self._client.welcome
        stamp = {"session": welcome.session if welcome else "", "epoch": self._client.epoch}
        self._uplink.send(json.dumps({**stamp, **message}), now_ms)
        self.note(Moment(now_ms, What.SENT, text=str(message.get("type"))))

    def _play(self, now_ms: float) -> None:
        have = len(self.tapes.heard) // 2
        samples = round((self._steps + 1) * STEP_MS * self._rate_hz / 1000) - have
        pcm = self._client.render(samples, now_ms)
        self.tapes.heard += pcm
        if self._echo:
            self._echo.play(from_pcm(pcm))

    # --- the line -----------------------------------------------------------------------

    def _transmit(self, data: str | bytes) -> None:
        if self._back_ms is None:
            self._downlink.send(data, self.now_ms)

    def _carry_up(self) -> None:
        for data in self._uplink.due(self.now_ms):
            self.line.arrive(data)

    @property
    def _idle_ms(self) -> float:
        """Until the next step, or until something arrives at the server."""
        arrives_ms = self._uplink.next_due_ms()
        due_ms = self.played_ms if arrives_ms is None else min(self.played_ms, arrives_ms)
        return max(0.0, due_ms - self._wall_ms)

    def _stand_still(self) -> None:
        late_ms = self._wall_ms - self.played_ms
        if late_ms > STALL_MS:
            self._start_ms += late_ms
            if self._welcomed:
                self.stalled_ms += late_ms

    def _lose_or_find_connection(self, now_ms: float) -> None:
        if self._back_ms is not None and now_ms >= self._back_ms:
            self._back_ms = None
            self._connect(now_ms)
        if self._outages and now_ms >= self._outages[0].at_ms:
            outage = self._outages.pop(0)
            self._back_ms = outage.at_ms + outage.for_ms
            self._client.disconnect(now_ms)
            self.line.lose()
            self._uplink.clear()
            self._downlink.clear()
            self.note(Moment(now_ms, What.DISCONNECTED))

    def _connect(self, now_ms: float) -> None:
        self._client.connect(now_ms)
        self.note(Moment(now_ms, What.CONNECTED))

    # --- what is noted ------------------------------------------------------------------

    def _note_events(self) -> None:
        for event in self._client.events():
            self._welcomed = self._welcomed or isinstance(event, WelcomeHeard)
            self.moments += client_moments(event, self.hearing, self.moments)

    def _note_sent(self, message: Message) -> None:
        """The server decides something: noted when it says so first, not when it is heard."""
        moment = server_moment(message, self.now_ms)
        if moment is None:
            return
        key = replace(moment, at_ms=0)
        if key != self._last_sent:
            self._last_sent = key
            self.note(moment)

    def _judge(self) -> None:
        playing = self._client.position[0] if self._client.playing else None
        evidence = Evidence(self.moments, self.hearing, self.context(), playing)
        self._findings = judge(self.scenario.expect, evidence)

    def _is_over(self) -> bool:
        self._judge()
        if not self._welcomed and self.played_ms < WELCOME_MS:
            return False
        return self._ending.is_over(
            self._findings,
            now_ms=self.played_ms,
            acting=bool(self._sounding),
            waits_for_time=self._prompter.waits_for_time,
            acts_left=bool(self._prompter.waits_for),
            playing=self._client.playing,
            last_ms=self.moments[-1].at_ms,
        )


def _nothing() -> None:
    """Do nothing."""


def network_settings(scenario: Scenario) -> NetworkSettings:
    """Give the network as the simulation takes it; lost connections are the room's affair."""
    plan = scenario.network
    return NetworkSettings(
        delay_ms=plan.delay_ms,
        jitter_ms=plan.jitter_ms,
        loss=plan.loss,
        duplicate=plan.duplicate,
        reorder=plan.reorder,
        bandwidth_kbps=plan.bandwidth_kbps,
        ordered=plan.ordered,
    )
