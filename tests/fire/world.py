"""A listener, a network and a server in time that is made by hand, and what must hold in it.

Each rule that is broken raises `BrokenError`, which tells the rule and the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np

from bargein.client.client import ClientSettings
from bargein.client.heartbeat import PING_EVERY_MS
from bargein.client.player import RAMP_SAMPLES
from bargein.floor import Floor
from bargein.packet import BYTES_PER_SAMPLE
from bargein.rehearsal.network import Network, NetworkSettings
from tests.fire.bot import Speech, voice
from tests.fire.hand_clock import HandClock
from tests.fire.listener import SILENCE, SOUNDS, STEP_MS, Heard, Listener
from tests.fire.server import Server

Deed = tuple[str, tuple[Any, ...]]
Data = str | bytes

GOOD_NETWORK = NetworkSettings(delay_ms=20, ordered=False)
ROUND_TRIP_MS = 2 * GOOD_NETWORK.delay_ms
MOST_STEP = 2 / RAMP_SAMPLES
"""Of the gain, from one sample to the next; twice the ramp's, for the rounding to PCM16."""
MOST_MUTE_MS = 3000
"""As docs/protocol.md says, whatever the code does."""
SLACK_MS = 2 * STEP_MS
"""A client acts once a window, and so does its answer's answer."""
AGREE_WITHIN_MS = PING_EVERY_MS + ROUND_TRIP_MS + SLACK_MS
OVER_WITHIN_MS = 60_000
"""Whatever goes on has come to its end by then, if nobody says anything more."""


class BrokenError(AssertionError):
    """A rule does not hold."""


@dataclass(frozen=True)
class Setting:
    """What one run is made in."""

    seed: int
    ordered: bool = True
    client: ClientSettings = field(default_factory=ClientSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)


@dataclass
class World:
    """Does deeds and lets time pass; the rules are checked all the while."""

    setting: Setting
    clock: HandClock = field(default_factory=HandClock)
    connected: bool = True
    seen_cuts: set[int] = field(default_factory=set)
    unheard_cuts: set[int] = field(default_factory=set)
    """Cuts that were made while nobody was there: by an estimate, which nobody corrects."""

    def __post_init__(self) -> None:
        self.random = Random(self.setting.seed)
        network = replace(self.setting.network, ordered=self.setting.ordered)
        self.up = Network(network, self.setting.seed + 1)
        self.down = Network(network, self.setting.seed + 2)
        self.server = Server(self.clock, self.random, self._send_down)
        self.listener = Listener(
            self.clock, self.setting.client, self._send_up, self._check_heard, self._hang_up
        )
        self.listener.client.connect(0)
        self._await("meet", lambda: self.listener.client.open, OVER_WITHIN_MS)

    # --- the network ----------------------------------------------------------------------

    def _send_up(self, data: Data) -> None:
        self._send(self.up, data, self.server.receive)

    def _send_down(self, data: Data) -> None:
        self._send(self.down, data, lambda each: self.listener.receive(each))

    def _send(self, network: Network, data: Data, receive: Callable[[Data], None]) -> None:
        if not self.connected:
            return
        network.send(data, self.clock.now_ms())
        due_ms = network.next_due_ms()
        if due_ms is not None:
            self._call_at(due_ms, network, receive)

    def _call_at(self, due_ms: float, network: Network, receive: Callable[[Data], None]) -> None:
        def arrive() -> None:
            for each in network.due(self.clock.now_ms()):
                receive(each)
            following_ms = network.next_due_ms()
            if following_ms is not None:
                self._call_at(following_ms, network, receive)

        self.clock.call_later(due_ms - self.clock.now_ms(), arrive)

    def use(self, network: NetworkSettings) -> None:
        """From now on the network is like this."""
        for each in (self.up, self.down):
            each.settings = replace(network, ordered=self.setting.ordered)

    # --- deeds -----------------------------------------------------------------------------

    def do(self, deeds: Sequence[Deed]) -> None:
        """Do them one after another."""
        for name, arguments in deeds:
            getattr(self, f"do_{name}")(*arguments)
            self._check()

    def do_run(self, ms: float) -> None:
        self.clock.run(ms, self._check)

    def do_sound(self, name: str, ms: float) -> None:
        self.listener.make(SOUNDS[name], ms)

    def do_say(self, speech: Speech) -> None:
        self.server.bot.say(speech)

    def do_words(self, text: str, final: bool) -> None:
        self.server.hear_words(text, final=final)

    def do_late_words(self) -> None:
        self.server.hear_late_words()

    def do_interrupt(self) -> None:
        self.server.interrupt()

    def do_network(self, network: NetworkSettings) -> None:
        self.use(network)

    def do_outage(self, ms: float) -> None:
        now_ms = self.clock.now_ms()
        for each in (self.up, self.down):
            outages = (*each.settings.outages[-1:], (now_ms, now_ms + ms))
            each.settings = replace(each.settings, outages=outages)

    def do_reconnect(self, gap_ms: float) -> None:
        """The connection is lost, and what was on its way with it."""
        self.listener.client.disconnect(self.clock.now_ms())
        self.connected = False
        self.up.clear()
        self.down.clear()
        self.do_run(gap_ms)
        self.connected = True
        self.listener.client.connect(self.clock.now_ms())

    def do_drop(self, gap_ms: float) -> None:
        """The same, and the server notices: the session waits for its client."""
        self.server.lose_client()
        self.do_reconnect(gap_ms)

    def _hang_up(self) -> None:
        """A client that thinks that its connection is dead connects again."""
        self.clock.call_later(0, lambda: self.do_reconnect(0))

    def do_heal(self) -> None:
        """The network is good again: what is on its way arrives, and then both sides agree."""
        before = (self.up.settings, self.down.settings)
        self.use(GOOD_NETWORK)
        self.listener.make(SILENCE, 0)
        self._let_arrive()
        self._await("agree", self._agree, AGREE_WITHIN_MS)
        self.up.settings, self.down.settings = before

    def do_end(self) -> None:
        """Everything comes to its end, and both sides know how it was."""
        self.use(GOOD_NETWORK)
        self.listener.make(SILENCE, 0)
        self._let_arrive()
        self._await("come to an end", self._is_over, OVER_WITHIN_MS)
        self.do_run(AGREE_WITHIN_MS)
        self._await("agree in the end", self._agree, AGREE_WITHIN_MS)
        self._check_cut()

    def _let_arrive(self) -> None:
        """TCP may hold back for long what was lost: the network is good when that is there."""
        pending_ms = [latest for each in (self.up, self.down) for latest in each.pending_ms()]
        self.do_run(max(0.0, max(pending_ms, default=0) - self.clock.now_ms()))

    def _await(self, what: str, holds: Callable[[], bool], within_ms: float) -> None:
        end_ms = self.clock.now_ms() + within_ms
        while not holds():
            if self.clock.now_ms() >= end_ms:
                raise self._broken(f"both sides {what} within {within_ms:.0f} ms")
            self.do_run(STEP_MS)

    # --- rules ------------------------------------------------------------------------------

    def _agree(self) -> bool:
        client, arbiter = self.listener.client, self.server.arbiter
        return client.floor is arbiter.floor and client.epoch == arbiter.epoch

    def _is_over(self) -> bool:
        quiet = self.server.arbiter.floor in (Floor.IDLE, Floor.LISTENING)
        busy = self.server.bot.busy_until_ms > self.clock.now_ms() or self.server.turn_open
        return quiet and not busy and not self.listener.client.contesting

    def _check(self) -> None:
        """What holds at any moment."""
        cut = self.server.tracker.last_cut
        if cut is not None and cut.number not in self.seen_cuts:
            self.seen_cuts.add(cut.number)
            if not self.listener.client.open:
                self.unheard_cuts.add(cut.number)
        now_ms, contest = self.clock.now_ms(), self.server.arbiter.contest
        deadline_ms = self.server.arbiter.rules.deadline_ms
        if contest is not None and now_ms - contest.since_ms > deadline_ms:
            raise self._broken("a contest of the server's ends by its deadline")
        since_ms = self.listener.contesting_since_ms
        if since_ms is not None and now_ms - since_ms > MOST_MUTE_MS + SLACK_MS:
            raise self._broken("a client's mute ends")

    def _check_heard(self, heard: Heard) -> None:
        """What holds for each stretch that sounds."""
        stretch, utterance = heard.stretch, heard.stretch.utterance
        dropped = [to for epoch, to in self.server.dropped.items() if epoch <= heard.epoch]
        if utterance <= max(dropped, default=0):
            raise self._broken(f"stale audio never sounds, but utterance {utterance} did")
        made = voice(self.server.tracker.parts[utterance], stretch.start_sample, stretch.samples)
        concealed = self.listener.concealed.get(utterance, [])
        for piece in own_pieces(stretch.start_sample, stretch.samples, concealed):
            if not sounds_like(heard.pcm[piece], made[piece]):
                raise self._broken(f"utterance {utterance} sounds as it was made")
        if self.setting.ordered and self.listener.lost[utterance]:
            raise self._broken(f"in order nothing is lost, but of utterance {utterance} it is")
        expected = self.listener.played[utterance] + self.listener.skipped.pop(utterance, 0)
        if stretch.start_sample != expected:
            at = f"{stretch.start_sample} of {utterance} after {expected}"
            raise self._broken(f"nothing is said twice or skipped: sample {at}")

    def _check_cut(self) -> None:
        """What the context holds of the last cut is what was heard."""
        cut = self.server.tracker.last_cut
        if cut is None or not self.setting.client.report_played or self.server.tracker.assumed:
            return
        if cut.number in self.unheard_cuts:
            return
        for each in cut.utterances:
            heard = self.listener.played[each.id]
            # What is lost on its way counts as played.
            heard = max(heard, self.listener.before[each.id])
            is_right = each.played == heard if self.setting.ordered else each.played >= heard
            if not is_right:
                told = f"utterance {each.id}: {each.played}, heard {heard}"
                raise self._broken(f"the cut is where the listener stopped: {told}")
        if self.server.contexts.get(cut.number) != cut.cut().heard_in_reply:
            raise self._broken("the context holds what was heard")

    def _broken(self, rule: str) -> BrokenError:
        client, arbiter = self.listener.client, self.server.arbiter
        state = f"client {client.floor} {client.epoch}, server {arbiter.floor} {arbiter.epoch}"
        return BrokenError(f"at {self.clock.now_ms():.0f} ms: {rule} ({state})")


def own_pieces(start: int, samples: int, concealed: list[range]) -> list[slice]:
    """The bytes of a stretch that are of the voice's own samples."""
    own = np.ones(samples, bool)
    for each in concealed:
        own[max(0, each.start - start) : max(0, each.stop - start)] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], own, [False]])))
    size = BYTES_PER_SAMPLE
    return [slice(a * size, b * size) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def sounds_like(heard: bytes, made: bytes) -> bool:
    """Sample by sample what was made, at a gain that never jumps: a mute and a duck are ramps."""
    if heard == made:
        return True
    loud, samples = np.frombuffer(made, "<i2"), np.frombuffer(heard, "<i2")
    if len(loud) != len(samples):
        return False
    gain = samples / loud
    steps = np.abs(np.diff(gain))
    return bool(gain.min() >= 0 and gain.max() <= 1 and (not len(steps) or steps.max() < MOST_STEP))
