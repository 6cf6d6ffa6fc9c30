"""Carries out what the arbiter orders: audio and messages at once, frames right behind.

Frames are slow (an InterruptionFrame waits for every teardown on its way), so whatever
the client and the listener notice is done by direct calls before any frame is queued.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from loguru import logger
from pipecat.frames.frames import Frame, InterruptionFrame, LLMRunFrame, TTSSpeakFrame

from bargein import arbiter as order
from bargein.arbiter import Arbiter, Order
from bargein.cut import Cut
from bargein.floor import Floor, Heard
from bargein.ledger.watcher import NOBODY, Watcher
from bargein.processors.clock import Clock, Timer
from bargein.processors.floor_frames import FloorTakenFrame, WordsDroppedFrame
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import (
    Accepted,
    Contested,
    Error,
    Ignored,
    Message,
    Rejected,
    State,
    Transcript,
)

REPLY_WITHIN_MS = 10_000
"""An LLM and a TTS that have not brought a sound in so long are not going to."""
NO_REPLY = "no reply came in time; say it again, please"


class Tools(Protocol):
    """The calls of the session; implemented by `ToolCalls`."""

    @property
    def works(self) -> bool:
        """Whether a call is at work for which everybody waits."""

    @property
    def tells(self) -> bool:
        """Whether there are results, for which the LLM is asked as soon as it may be."""

    def interrupted(self, *, heard: bool) -> bool:
        """The user took the floor, or somebody did; whether a call has ended by that.

        `heard` says if a word was heard of what the bot said.
        """

    def poke(self) -> None:
        """Something has changed: what was kept back may be told now."""


class NoTools:
    """Nothing is ever called."""

    works = False
    tells = False

    def interrupted(self, *, heard: bool) -> bool:
        """Nothing ends."""
        return False

    def poke(self) -> None:
        """Nothing is kept back."""


@dataclass(frozen=True, slots=True)
class GoingOn:
    """What is said to go on after a misfire."""

    phrase: str = ""
    rest: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.phrase} {self.rest}".strip()

    def whole(self, cut: Cut) -> Cut:
        """A cut in the phrase, before the voice had told of anything behind it: that is unsaid."""
        told = f"{cut.heard} {cut.unheard}".split()
        if self.rest and told and told == self.phrase.split():
            return replace(cut, remainder=self.text)
        return cut


class Orders:
    """Does what the arbiter says; the frames that follow wait in `outbox`, in order."""

    def __init__(
        self,
        *,
        arbiter: Arbiter,
        wire: Wire,
        played_audio: PlayedAudio,
        resume_phrases: Sequence[str],
        clock: Clock,
        watcher: Watcher = NOBODY,
        reply_within_ms: float = REPLY_WITHIN_MS,
        tools: Tools | None = None,
    ) -> None:
        """Work with these; an InterruptionFrame in the outbox stands for a broadcast."""
        self._tools: Tools = tools or NoTools()
        self.outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._arbiter = arbiter
        self._wire = wire
        self._played_audio = played_audio
        self._resume_phrases = tuple(" ".join(phrase.split()) for phrase in resume_phrases)
        self._clock = clock
        self._watcher = watcher
        self._reply_within_ms = reply_within_ms
        self._deadline: Timer | None = None
        self._reply_due: Timer | None = None
        self._client_away = False
        self._last_verdict: Message | None = None
        self._unsaid: Cut | None = None
        self._going_on = GoingOn()
        self._reply_owed = False
        self._call_ended = False

    def carry_out(self, given: Sequence[Order]) -> None:
        """Do all that needs no frame; only then queue the frames."""
        for each in given:
            self.do_now(each)
        for each in given:
            match each:
                case order.Accept():
                    self.outbox.put_nowait(InterruptionFrame())
                case order.OpenTurn():
                    self.outbox.put_nowait(FloorTakenFrame())
                case order.DropWords():
                    self.outbox.put_nowait(WordsDroppedFrame())
                case order.GoOn():
                    self._go_on()
                case _:
                    pass

    def do_now(self, given: Order) -> None:
        """Do what needs no frame."""
        match given:
            case order.Pause(utterance):
                self._played_audio.pause()
                self._start_deadline()
                self._send_contested(utterance)
            case order.Acknowledge(utterance):
                self._send_contested(utterance)
            case order.Accept():
                self.end_deadline()
                self._accept(given)
            case order.Reject():
                self.end_deadline()
                self._reject(given)
            case order.Ignore(reason):
                self._wire.send(Ignored(state=self._arbiter.floor, reason=reason))
            case order.DropWords() | order.GoOn():
                # What the client shows of words so far was no turn.
                self._wire.send(Transcript(text="", final=True))
            case order.RepeatVerdict():
                if self._last_verdict:
                    self._wire.send(self._last_verdict)
                    # The verdict may be old: who has the floor by now is another matter.
                    self._wire.send(State(state=self._arbiter.floor))
            case order.ReportNoReply():
                logger.error("no reply was heard within {:.0f} ms", self._reply_within_ms)
                self._wire.send(Error(code="no_reply", message=NO_REPLY))
                # It is not asked for again at the next sound without words.
                self._unsaid = None
            case order.ShowFloor(floor):
                self._wire.send(State(state=floor))
                self._await_reply(floor)
                self._tools.poke()
            case _:
                pass

    def say(self, text: str) -> None:
        """Have the bot say this, in no reply."""
        self.outbox.put_nowait(TTSSpeakFrame(text))

    def ask_llm(self) -> None:
        """Have the LLM answer the context as it is; its reply has all its time."""
        self.outbox.put_nowait(LLMRunFrame())
        self.carry_out(self._arbiter.bot(Heard.REPLY_BEGUN, self._clock.now_ms()))
        self._await_reply(self._arbiter.floor)

    def stopped(self, *, heard: bool = False) -> None:
        """The reply ends here, and the calls that may not outlive it."""
        self._call_ended = self._tools.interrupted(heard=heard)

    def end_turn(self, given: Sequence[Order]) -> None:
        """Carry out an interruption of our own: LLM, tools and voice stop in any case."""
        self.carry_out(given)
        if not any(isinstance(each, order.Accept) for each in given):
            self.outbox.put_nowait(InterruptionFrame())
        self.forget_unsaid()

    def catch_up(self, epoch: int) -> None:
        """A client says anything under this epoch: if it is older, a verdict was lost."""
        if epoch < self._arbiter.epoch:
            self.do_now(order.RepeatVerdict())

    def forget_unsaid(self) -> None:
        """What was cut off is not taken up again."""
        self._unsaid = None

    def correct(self, cut: Cut) -> None:
        """The last cut was somewhere else: what was left unsaid begins there."""
        self._watcher.cut(cut)
        if self._unsaid and self._unsaid.number == cut.number:
            self._unsaid = cut

    def end_deadline(self) -> None:
        """No contest is open any more."""
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def client_lost(self) -> None:
        """Nobody is there who could hear a reply: it is not overdue."""
        self._client_away = True
        self._await_reply(self._arbiter.floor)

    def client_returned(self) -> None:
        """A reply is waited for again, from now on."""
        self._client_away = False
        self._await_reply(self._arbiter.floor)

    def end_waits(self) -> None:
        """The conversation is over."""
        self.end_deadline()
        self._await_reply(Floor.IDLE)

    def _await_reply(self, floor: Floor) -> None:
        """Nobody waits for a reply without end."""
        if self._reply_due:
            self._reply_due.cancel()
            self._reply_due = None
        if floor is Floor.PROCESSING and not self._client_away:
            self._reply_due = self._clock.call_later(self._reply_within_ms, self._reply_overdue)

    def _reply_overdue(self) -> None:
        if self._tools.works:
            # It has a time of its own; the reply's begins again behind it.
            self._await_reply(self._arbiter.floor)
            return
        self.carry_out(self._arbiter.reply_overdue(self._clock.now_ms()))

    def _send_contested(self, utterance: int) -> None:
        deadline_ms = self._arbiter.rules.deadline_ms
        self._wire.send(Contested(utterance=utterance, verdict_deadline_ms=deadline_ms))

    def _accept(self, given: order.Accept) -> None:
        self._reply_owed = self._played_audio.reply_open or given.preparing
        cut = self._played_audio.accept(given.utterance, given.at_sample)
        self.stopped(heard=bool(cut.heard))
        self._unsaid = self._going_on.whole(cut)
        self._going_on = GoingOn()
        self._watcher.cut(cut)
        self._wire.epoch = self._arbiter.epoch
        logger.info(
            "barge-in accepted after {:.0f} ms: utterance {} cut at sample {}",
            given.contested_ms,
            cut.utterance,
            cut.cut_samples,
        )
        self._send_verdict(
            Accepted(
                utterance=cut.utterance,
                cut_samples=cut.cut_samples,
                heard_text=cut.heard,
                unheard_text=cut.unheard,
            )
        )

    def _reject(self, given: order.Reject) -> None:
        self._wire.epoch = self._arbiter.epoch
        at_sample = self._played_audio.resume(given.utterance, given.at_sample)
        logger.info(
            "barge-in rejected after {:.0f} ms ({}): utterance {} goes on from sample {}",
            given.contested_ms,
            given.reason,
            given.utterance,
            at_sample,
        )
        self._send_verdict(
            Rejected(utterance=given.utterance, at_sample=at_sample, reason=given.reason)
        )

    def _send_verdict(self, verdict: Message) -> None:
        self._last_verdict = verdict
        self._wire.send(verdict)

    def _go_on(self) -> None:
        """Resume after a misfire: the rest of the cut answer, without asking the LLM again."""
        cut, self._unsaid = self._unsaid, None
        if cut is None or not self._resume_phrases:
            return
        if cut.remainder or self._reply_owed or self._call_ended:
            self._watcher.resumed()
        if cut.remainder and not self._call_ended:
            self._say(self._resume(cut.remainder))
        elif self._tools.tells:
            pass  # the LLM is asked for that, and answers what it owes in the same reply
        elif self._reply_owed or self._call_ended:
            # All that there was of the reply was heard, and the rest of it was cancelled.
            self.outbox.put_nowait(LLMRunFrame())

    def _resume(self, remainder: str) -> GoingOn:
        """The remainder behind a phrase; it may begin with one: then a resume was cut off."""
        for each in self._resume_phrases:
            if each and remainder.startswith(each):
                return GoingOn(each, remainder.removeprefix(each).strip())
        return GoingOn(random.choice(self._resume_phrases), remainder)

    def _say(self, going_on: GoingOn) -> None:
        """Say the phrase at once if the voice has said it before; the rest comes behind it."""
        self._going_on = going_on
        if going_on.rest and self._played_audio.say_at_once(going_on.phrase):
            self.outbox.put_nowait(TTSSpeakFrame(going_on.rest))
        else:
            self.outbox.put_nowait(TTSSpeakFrame(going_on.text))

    def _start_deadline(self) -> None:
        self.end_deadline()
        deadline_ms = self._arbiter.rules.deadline_ms
        due_ms = self._clock.now_ms() + deadline_ms
        self._deadline = self._clock.call_later(deadline_ms, partial(self._deadline_passed, due_ms))

    def _deadline_passed(self, due_ms: float) -> None:
        # The loop's timer may be early by its resolution; the verdict is due all the same.
        self.carry_out(self._arbiter.tick(max(due_ms, self._clock.now_ms())))
