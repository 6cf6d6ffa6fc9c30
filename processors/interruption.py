"""The gateway, first in the pipeline: the plug around `arbiter.py`.

Control messages of the client and the evidence of the VAD meet here. Orders of the
arbiter are carried out at once by direct calls to the played-audio tracker; frames only
follow, for they are slow: an InterruptionFrame waits for every teardown on its way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputTransportMessageFrame,
    InterruptionFrame,
    LLMRunFrame,
    StartFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import Field

from bargein import arbiter as orders
from bargein.arbiter import Arbiter, Order
from bargein.errors import ProtocolError
from bargein.floor import Floor, Heard
from bargein.playout import Cut
from bargein.processors.clock import monotonic_ms
from bargein.processors.floor_frames import FloorTakenFrame, SpeechWindowFrame, WordsDroppedFrame
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import (
    PREFIX,
    Accepted,
    Codec,
    Contested,
    Error,
    Hello,
    Ignored,
    Message,
    Ping,
    Played,
    Pong,
    Rejected,
    SpeechEnded,
    State,
    Transcript,
    Truncate,
    Welcome,
)
from bargein.verdict import BACKCHANNELS, VerdictRules

Correct = Callable[[str], None]

NEVER = 1.0
"""No window reaches this probability: a client with this threshold never mutes the bot."""


class Interruption(FrameProcessor):
    """Lets the user interrupt the bot, and lets the bot go on when it was nothing."""

    def __init__(
        self,
        *,
        barge_in_enabled: Annotated[
            bool, Field(description="Whether the user may interrupt the bot.")
        ] = True,
        verdict_deadline_ms: Annotated[
            int,
            Field(
                ge=100,
                le=2500,
                description="A paused bot gets its verdict within this time, come what may.",
            ),
        ] = 600,
        quiet_ms: Annotated[
            int,
            Field(
                ge=64,
                le=2000,
                description="So much silence after too little speech, and it was no barge-in.",
            ),
        ] = 200,
        trust_words: Annotated[
            bool,
            Field(
                description=(
                    "Whether partial words decide too. Off for a recogniser that hears words in "
                    "coughs, like pocketsphinx; then only the VAD decides."
                )
            ),
        ] = True,
        min_words: Annotated[
            int, Field(ge=1, le=20, description="So many real words take the floor at once.")
        ] = 1,
        backchannels: Annotated[
            list[str] | None,
            Field(description="Words that a listener says without wanting the floor."),
        ] = None,
        resume_phrases: Annotated[
            list[str],
            Field(
                description=(
                    "Said before the rest of an answer that was cut off for nothing; one is "
                    "chosen at random. An empty list: the bot stays silent then."
                )
            ),
        ] = ["As I was saying,"],  # noqa: B006  (never changed; shows as the default in the docs)
    ) -> None:
        """Take the rules; what it works with comes with `attach`."""
        super().__init__()
        self._barge_in_enabled = barge_in_enabled
        self._rules = VerdictRules(
            quiet_ms=quiet_ms,
            deadline_ms=verdict_deadline_ms,
            trust_words=trust_words,
            min_words=min_words,
            backchannels=BACKCHANNELS if backchannels is None else tuple(backchannels),
        )
        self._resume_phrases = tuple(resume_phrases)
        self._arbiter = Arbiter(self._rules, barge_in_enabled=barge_in_enabled)
        self._unsaid: Cut | None = None
        self._reply_owed = False
        self._deadline: asyncio.TimerHandle | None = None
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._last_verdict: Message | None = None
        self._now_ms: Callable[[], float] = monotonic_ms

    def attach(
        self,
        *,
        wire: Wire,
        played_audio: PlayedAudio,
        welcome: Welcome,
        min_speech_duration_ms: int,
        correct: Correct,
    ) -> None:
        """Connect it with the client and the tracker; called once, before it runs.

        `correct` gets what was heard of the last reply when the client's last position
        differs from the cut.
        """
        self._wire, self._played_audio, self._correct = wire, played_audio, correct
        self._welcome = welcome
        self._rules = VerdictRules(
            min_speech_duration_ms=min_speech_duration_ms,
            quiet_ms=self._rules.quiet_ms,
            deadline_ms=self._rules.deadline_ms,
            trust_words=self._rules.trust_words,
            min_words=self._rules.min_words,
            backchannels=self._rules.backchannels,
        )
        self._arbiter.rules = self._rules

    @property
    def floor(self) -> Floor:
        """Who has the floor."""
        return self._arbiter.floor

    def welcome(self) -> None:
        """Tell the client that the session is open; again as often as it says hello."""
        never = {} if self._barge_in_enabled else {"probability_threshold": NEVER}
        self._wire.send(self._welcome.model_copy(update={"state": self.floor, **never}))

    async def cleanup(self) -> None:
        """End the deadline and the task that pushes frames."""
        await super().cleanup()
        self._end_deadline()
        if self._task:
            await self.cancel_task(self._task)
            self._task = None

    # --- frames ------------------------------------------------------------------------

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the client's messages from above and the VAD's evidence from below."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._task = self.create_task(self._push_outbox(), "floor")
        elif isinstance(frame, InputTransportMessageFrame):
            if direction is FrameDirection.DOWNSTREAM and _is_ours(frame.message):
                self._take_message(frame.message)
                return
        elif direction is FrameDirection.UPSTREAM:
            self._take_evidence(frame)
            if isinstance(frame, SpeechWindowFrame):
                return
        await self.push_frame(frame, direction)

    def _take_evidence(self, frame: Frame) -> None:
        now_ms = self._now_ms()
        match frame:
            case SpeechWindowFrame():
                self._carry_out(
                    self._arbiter.window(
                        speech_ms=frame.speech_ms, silence_ms=frame.silence_ms, now_ms=now_ms
                    )
                )
            case VADUserStartedSpeakingFrame():
                playing = self._played_audio.utterance
                self._carry_out(self._arbiter.speech_started(now_ms, playing=playing))

    async def _push_outbox(self) -> None:
        """Push the frames that orders ask for, one after another, in a task of its own.

        Whoever reports may itself be cancelled by the InterruptionFrame that follows.
        """
        while True:
            frame = await self._outbox.get()
            if isinstance(frame, InterruptionFrame):
                await self.broadcast_interruption()
            else:
                await self.push_frame(frame)

    # --- what others report, directly ---------------------------------------------------

    def bot(self, heard: Heard) -> None:
        """The played-audio tracker: the bot began or ended something."""
        self._carry_out(self._arbiter.bot(heard, self._now_ms()))

    def interrupted(self) -> None:
        """An InterruptionFrame of somebody else's passes: the floor follows it."""
        for order in self._arbiter.interrupted(self._now_ms()):
            self._do_now(order)

    def corrected(self, heard_in_reply: str) -> None:
        """The client's last position says that other words were heard."""
        self._correct(heard_in_reply)

    def words(self, text: str, *, final: bool) -> None:
        """The user's context: the recogniser's words so far for the present speech."""
        self._wire.send(Transcript(text=text, final=final))
        self._carry_out(self._arbiter.words(tuple(text.split()), self._now_ms()))

    def speech_from_words(self) -> None:
        """The user's context: words came while nobody spoke, so the VAD has missed them."""
        self._carry_out(self._arbiter.speech_started(self._now_ms(), playing=0))

    def turn_ended(self, *, has_words: bool) -> None:
        """The turn strategy: the user's turn is over."""
        if has_words:
            self._unsaid = None
        self._carry_out(self._arbiter.turn_ended(has_words=has_words, now_ms=self._now_ms()))

    # --- messages ----------------------------------------------------------------------

    def _take_message(self, value: dict[str, Any]) -> None:
        try:
            message = Codec.read_client_value(value)
        except ProtocolError as error:
            self._wire.send(Error(code=error.code, message=str(error)))
            return
        now_ms = self._now_ms()
        match message:
            case Truncate():
                playing = self._played_audio.utterance
                self._carry_out(
                    self._arbiter.truncate(
                        message.utterance,
                        message.played_samples,
                        message.epoch,
                        now_ms,
                        playing=playing,
                    )
                )
            case Played():
                self._played_audio.played(message.utterance, message.played_samples)
            case Ping():
                self._wire.send(Pong(clock_ms=message.clock_ms, server_clock_ms=now_ms))
            case Hello():
                self.welcome()
            case SpeechEnded():
                # The server's own VAD hears the same windows; it needs no telling.
                pass

    # --- orders ------------------------------------------------------------------------

    def _carry_out(self, given: Sequence[Order]) -> None:
        """Do at once what needs no frame; only then queue the frames, in order."""
        for order in given:
            self._do_now(order)
        for order in given:
            match order:
                case orders.Accept():
                    self._outbox.put_nowait(InterruptionFrame())
                case orders.OpenTurn():
                    self._outbox.put_nowait(FloorTakenFrame())
                case orders.DropWords():
                    self._outbox.put_nowait(WordsDroppedFrame())
                case orders.GoOn():
                    self._go_on()
                case _:
                    pass

    def _do_now(self, order: Order) -> None:
        match order:
            case orders.Pause(utterance) | orders.Acknowledge(utterance):
                if isinstance(order, orders.Pause):
                    self._played_audio.pause()
                    self._start_deadline()
                deadline_ms = self._rules.deadline_ms
                self._wire.send(Contested(utterance=utterance, verdict_deadline_ms=deadline_ms))
            case orders.Accept():
                self._end_deadline()
                self._accept(order)
            case orders.Reject():
                self._end_deadline()
                self._reject(order)
            case orders.Ignore(reason):
                self._wire.send(Ignored(state=self.floor, reason=reason))
            case orders.RepeatVerdict():
                if self._last_verdict:
                    self._wire.send(self._last_verdict)
            case orders.ShowFloor(floor):
                self._wire.send(State(state=floor))
            case _:
                pass

    def _accept(self, order: orders.Accept) -> None:
        self._reply_owed = self._played_audio.reply_open or order.preparing
        cut = self._played_audio.accept(order.utterance, order.at_sample)
        self._unsaid = cut
        self._wire.epoch = self._arbiter.epoch
        logger.info(
            "barge-in accepted {:.0f} ms after the client's word: utterance {} cut at {} samples",
            order.contested_ms,
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

    def _reject(self, order: orders.Reject) -> None:
        self._wire.epoch = self._arbiter.epoch
        at_sample = self._played_audio.resume(order.utterance, order.at_sample)
        logger.info(
            "barge-in rejected {:.0f} ms after the client's word ({}): utterance {} from {}",
            order.contested_ms,
            order.reason,
            order.utterance,
            at_sample,
        )
        self._send_verdict(
            Rejected(utterance=order.utterance, at_sample=at_sample, reason=order.reason)
        )

    def _send_verdict(self, verdict: Message) -> None:
        self._last_verdict = verdict
        self._wire.send(verdict)

    def _go_on(self) -> None:
        """Resume after a misfire: the rest of the cut answer, without asking the LLM again."""
        cut, self._unsaid = self._unsaid, None
        if cut is None or not self._resume_phrases:
            return
        if cut.remainder:
            phrase = random.choice(self._resume_phrases).strip()
            self._outbox.put_nowait(TTSSpeakFrame(f"{phrase} {cut.remainder}".strip()))
        elif self._reply_owed and not cut.heard_in_reply:
            # The reply was cancelled before it had any words.
            self._outbox.put_nowait(LLMRunFrame())

    # --- the deadline ------------------------------------------------------------------

    def _start_deadline(self) -> None:
        self._end_deadline()
        self._deadline = asyncio.get_running_loop().call_later(
            self._rules.deadline_ms / 1000, self._deadline_passed
        )

    def _end_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _deadline_passed(self) -> None:
        # The loop's timer may be early by its resolution; the verdict is due all the same.
        deadline_ms = self._now_ms() + self._rules.deadline_ms
        self._carry_out(self._arbiter.tick(deadline_ms))


def _is_ours(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    kind = message.get("type")
    return isinstance(kind, str) and kind.startswith(PREFIX)
