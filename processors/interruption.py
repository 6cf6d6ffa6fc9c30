"""The gateway, first in the pipeline: the plug around `arbiter.py`.

Control messages of the client and the evidence of the VAD meet here and go to the
arbiter; what it orders is carried out by `orders.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputTransportMessageFrame,
    InterruptionFrame,
    StartFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import Field

from bargein.arbiter import Arbiter
from bargein.cut import Cut
from bargein.endpointing import EndedBy
from bargein.errors import ProtocolError
from bargein.floor import Floor, Heard
from bargein.ledger.watcher import NOBODY, Watcher
from bargein.noise import Hearing
from bargein.processors.clock import Clock, LoopClock
from bargein.processors.floor_frames import ClientLostFrame, HearingFrame, SpeechWindowFrame
from bargein.processors.last_words import LastWords
from bargein.processors.orders import REPLY_WITHIN_MS, Orders, Tools
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.wire import Wire
from bargein.protocol import (
    PREFIX,
    Codec,
    Error,
    GoesOn,
    Hello,
    Ping,
    Played,
    Pong,
    Resume,
    SpeechEnded,
    Transcript,
    Truncate,
    VadSettings,
    Welcome,
)
from bargein.verdict import BACKCHANNELS, VerdictRules

Correct = Callable[[Cut], None]

NEVER = 1.0
"""No window reaches this probability: a client with this threshold never mutes the bot."""
WHOLE_WORD_AFTER_MS = 1_000
"""Behind a longer silence the half of a word is no word: it is said again from its start."""


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
        backchannel_ms: Annotated[
            int,
            Field(
                ge=0,
                le=2000,
                description=(
                    "Speech up to this length may be a backchannel: it waits for its words, until "
                    "the deadline, where trusted words come while one speaks. 0 waits for none. "
                    "800, with a verdict_deadline_ms of 1000, rejects nine of ten."
                ),
            ),
        ] = 0,
        reply_within_ms: Annotated[
            int,
            Field(
                ge=500,
                le=120_000,
                description=(
                    "A reply of which nothing is heard within this time is given up: LLM and TTS "
                    "are interrupted, the client is told, and the next turn works."
                ),
            ),
        ] = REPLY_WITHIN_MS,
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
        # Direct: it never waits, so frames need no queue and no task here.
        super().__init__(enable_direct_mode=True)
        rules = VerdictRules(
            quiet_ms=quiet_ms,
            deadline_ms=verdict_deadline_ms,
            trust_words=trust_words,
            min_words=min_words,
            backchannels=BACKCHANNELS if backchannels is None else tuple(backchannels),
            backchannel_ms=backchannel_ms,
        )
        self._arbiter = Arbiter(rules, barge_in_enabled=barge_in_enabled)
        self._backchannels = rules.backchannels
        self.resume_phrases = tuple(" ".join(phrase.split()) for phrase in resume_phrases)
        self._reply_within_ms = reply_within_ms
        self._clock: Clock = LoopClock()
        self._task: asyncio.Task[None] | None = None
        self._vad_settings: VadSettings | None = None
        self._pause_ms: float | None = None
        self._last_words: LastWords | None = None
        self._lost_ms: float | None = None
        self._goes_on: GoesOn | None = None
        self._resumed_by: Resume | None = None

    def attach(
        self,
        *,
        wire: Wire,
        played_audio: PlayedAudio,
        welcome: Welcome,
        min_speech_duration_ms: int,
        correct: Correct,
        client_has_vad: bool = True,
        clock: Clock | None = None,
        watcher: Watcher = NOBODY,
        tools: Tools | None = None,
    ) -> None:
        """Connect it with the client and the tracker; called once, before it runs.

        `correct` gets the last cut as it really was, when the client's last position
        differs from it. `watcher` hears of all that goes in and comes out; `tools` of all that
        ends a call, or lets its result be told.
        """
        self._watcher = watcher
        self._arbiter.witness = None if watcher is NOBODY else watcher
        self._arbiter.client_has_vad = client_has_vad
        self._wire, self._played_audio, self._correct = wire, played_audio, correct
        self._clock = clock or self._clock
        never = {} if self._arbiter.barge_in_enabled else {"probability_threshold": NEVER}
        self._welcome = welcome.model_copy(update=never)
        self._arbiter.rules = replace(
            self._arbiter.rules, min_speech_duration_ms=min_speech_duration_ms
        )
        self._orders = Orders(
            arbiter=self._arbiter,
            wire=wire,
            played_audio=played_audio,
            resume_phrases=self.resume_phrases,
            clock=self._clock,
            watcher=watcher,
            reply_within_ms=self._reply_within_ms,
            tools=tools,
        )

    @property
    def rules(self) -> VerdictRules:
        """What its verdicts ask for."""
        return self._arbiter.rules

    @property
    def barge_in_enabled(self) -> bool:
        """Whether the user may interrupt the bot."""
        return self._arbiter.barge_in_enabled

    @property
    def floor(self) -> Floor:
        """Who has the floor."""
        return self._arbiter.floor

    def welcome(self) -> None:
        """Tell the client that the session is open; again as often as it says hello."""
        told = {"state": self.floor, "goes_on": self._goes_on}
        self._wire.send(self._welcome.model_copy(update=told))
        if self._vad_settings:
            self._wire.send(self._vad_settings)

    def _follow(self, hearing: Hearing) -> None:
        """Let the client's VAD go by what the server's goes by."""
        if not self._arbiter.barge_in_enabled:
            return
        self._vad_settings = VadSettings(
            probability_threshold=hearing.threshold,
            gate_db=hearing.gate_db,
            echo_gate_db=hearing.client_echo_gate_db,
            noise_floor_db=hearing.noise_floor_db,
            why=hearing.why,
        )
        self._wire.send(self._vad_settings)

    async def cleanup(self) -> None:
        """End the timers and the task that pushes frames."""
        await super().cleanup()
        self._orders.end_waits()
        if self._task:
            await self.cancel_task(self._task)
            self._task = None

    async def say_last(self, text: str) -> bool:
        """End what is said, and say this, which nobody can interrupt; in bounded time.

        Whether it was played to its end. No turn is answered any more.
        """
        self._last_words = LastWords()
        self._keep_the_floor()
        self._orders.end_turn(self._arbiter.interrupted(self._clock.now_ms()))
        if not text:
            return True
        self._orders.say(text)
        return await self._last_words.said()

    def _keep_the_floor(self) -> None:
        """Nobody may interrupt any more, nor may a client's VAD mute the bot."""
        self._arbiter.barge_in_enabled = False
        self._welcome = self._welcome.model_copy(update={"probability_threshold": NEVER})
        self._vad_settings = VadSettings(probability_threshold=NEVER)
        self._wire.send(self._vad_settings)

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
        elif isinstance(frame, ClientLostFrame):
            self._lose_client()
            return
        elif direction is FrameDirection.UPSTREAM:
            self._take_evidence(frame)
            if isinstance(frame, SpeechWindowFrame | HearingFrame):
                return
        await self.push_frame(frame, direction)

    def _take_evidence(self, frame: Frame) -> None:
        now_ms = self._clock.now_ms()
        match frame:
            case SpeechWindowFrame():
                self._take_window(frame, now_ms)
            case HearingFrame():
                self._follow(frame.hearing)
            case VADUserStartedSpeakingFrame():
                playing = self._played_audio.utterance
                self._orders.carry_out(self._arbiter.speech_started(now_ms, playing=playing))
            case VADUserStoppedSpeakingFrame():
                self._arbiter.speech_stopped()

    def _take_window(self, frame: SpeechWindowFrame, now_ms: float) -> None:
        self._pause_ms = frame.pause_ms
        self._watcher.window(
            probability=frame.probability,
            threshold=frame.threshold,
            level_db=round(frame.level_db, 1),
        )
        self._orders.carry_out(
            self._arbiter.window(
                speech_ms=frame.speech_ms,
                silence_ms=frame.silence_ms,
                now_ms=now_ms,
                is_echo=frame.is_echo,
                echo_correlation=frame.echo_correlation,
                playing=self._played_audio.utterance,
            )
        )

    async def _push_outbox(self) -> None:
        """Push the frames that orders ask for, one after another, in a task of its own.

        Whoever reports may itself be cancelled by the InterruptionFrame that follows.
        """
        while True:
            frame = await self._orders.outbox.get()
            if isinstance(frame, InterruptionFrame):
                await self.broadcast_interruption()
            else:
                await self.push_frame(frame)

    # --- what others report, directly ---------------------------------------------------

    def bot(self, heard: Heard) -> None:
        """The played-audio tracker: the bot began or ended something."""
        self._orders.carry_out(self._arbiter.bot(heard, self._clock.now_ms()))
        if self._last_words:
            self._last_words.hear(heard)

    def interrupted(self) -> None:
        """An InterruptionFrame of somebody else's passes: the floor follows it."""
        self._orders.stopped()
        for order in self._arbiter.interrupted(self._clock.now_ms()):
            self._orders.do_now(order)
        # Whoever interrupted the bot did not do it for nothing.
        self._orders.forget_unsaid()

    def corrected(self, cut: Cut) -> None:
        """The client's last position says that other words were heard."""
        self._orders.correct(cut)
        self._correct(cut)

    def words(self, text: str, *, final: bool) -> None:
        """The user's context: the recogniser's words so far for the present speech."""
        self._wire.send(Transcript(text=text, final=final))
        words, now_ms = tuple(text.split()), self._clock.now_ms()
        self._orders.carry_out(self._arbiter.words(words, now_ms, partial=not final))

    def speech_from_words(self) -> None:
        """The user's context: words came for which no turn is open; they take the floor."""
        playing = self._played_audio.utterance
        self._orders.carry_out(self._arbiter.late_words(self._clock.now_ms(), playing=playing))

    def turn_ended(self, *, has_words: bool, ended_by: EndedBy = EndedBy.OTHER) -> None:
        """The turn strategy: the user's turn is over."""
        self._watcher.turn_over(ended_by)
        self._orders.carry_out(
            self._arbiter.turn_ended(has_words=has_words, now_ms=self._clock.now_ms())
        )
        # What was cut off is taken up again now or never.
        self._orders.forget_unsaid()

    # --- what has the bot speak ---------------------------------------------------------

    def say(self, text: str) -> None:
        """Have the bot say this, behind what it is at."""
        if self._last_words is None:
            self._orders.say(text)

    def ask_llm(self) -> None:
        """Have the LLM answer the context as it is."""
        if self._last_words is None:
            self._orders.ask_llm()

    def heed_murmurs(self, *, on: bool) -> None:
        """Whether "yes" takes the floor: it is no backchannel where the bot asks for it."""
        backchannels = () if on else self._backchannels
        if self._arbiter.rules.backchannels != backchannels:
            self._arbiter.rules = replace(self._arbiter.rules, backchannels=backchannels)

    # --- messages ----------------------------------------------------------------------

    def _take_message(self, value: dict[str, Any]) -> None:
        try:
            message = Codec.read_client_value(value)
        except ProtocolError as error:
            self._wire.send(Error(code=error.code, message=str(error)))
            return
        now_ms = self._clock.now_ms()
        self._watcher.received(message)
        if not isinstance(message, Hello | Truncate):
            self._orders.catch_up(message.epoch)
        match message:
            case Truncate():
                playing = self._played_audio.utterance
                # One that comes after its verdict is of audio that has begun again since.
                is_late = message.epoch < self._arbiter.epoch
                self._orders.carry_out(
                    self._arbiter.truncate(
                        message.utterance,
                        message.played_samples,
                        message.epoch,
                        now_ms,
                        playing=playing,
                        probability=message.probability if message.detected else None,
                        noise_floor_db=message.noise_floor_db if message.detected else None,
                        pause_ms=self._pause_ms,
                    )
                )
                if not is_late:
                    self._played_audio.silenced(message.utterance, message.played_samples)
            case Played():
                self._played_audio.played(
                    message.utterance,
                    message.played_samples,
                    final=message.epoch >= self._arbiter.epoch,
                )
            case Ping():
                pong = Pong(clock_ms=message.clock_ms, server_clock_ms=now_ms, state=self.floor)
                self._wire.send(pong)
            case Hello() if self._lost_ms is not None:
                self._take_up_session(message, now_ms - self._lost_ms)
            case Hello() if self._goes_on is not None and message.resume == self._resumed_by:
                # The welcome was late or lost, so nothing was played since.
                self.welcome()
                self._played_audio.send_again_from(self._goes_on.utterance, self._goes_on.at_sample)
            case Hello():
                self._goes_on = None
                self.welcome()
                self._take_up(message.resume)
            case SpeechEnded():
                self._orders.carry_out(self._arbiter.client_speech_ended(now_ms))

    # --- a connection that is lost ------------------------------------------------------

    def _lose_client(self) -> None:
        """The bot waits where it is; a user who was speaking has ended by silence."""
        if self._lost_ms is not None:
            return
        self._lost_ms = self._clock.now_ms()
        self._played_audio.wait_for_listener()
        self._orders.client_lost()
        self._orders.carry_out(self._arbiter.client_lost(self._lost_ms))
        self._watcher.client_lost()
        logger.info("the client of session {} is away, {}", self._wire.session, self.floor)

    def _take_up_session(self, hello: Hello, lost_for_ms: float) -> None:
        """The client is back: it is told where the bot's voice goes on, before any of it."""
        self._lost_ms, self._resumed_by = None, hello.resume
        has_vad, now_ms = hello.capabilities.vad, self._clock.now_ms()
        self._orders.carry_out(self._arbiter.client_returned(now_ms, has_vad=has_vad))
        self._wire.epoch = self._arbiter.epoch
        if hello.resume is not None and hello.resume.utterance:
            at = (hello.resume.utterance, hello.resume.played_samples)
            self._played_audio.played(*at, final=True)
        away_ms = max(lost_for_ms, hello.resume.away_ms if hello.resume else 0.0)
        whole_word = away_ms >= WHOLE_WORD_AFTER_MS
        utterance, at_sample = self._played_audio.go_on(whole_word=whole_word)
        self._goes_on = GoesOn(utterance=utterance, at_sample=at_sample)
        self.welcome()
        self._played_audio.show_again()
        self._show_transcript_again()
        self._orders.client_returned()
        self._watcher.client_returned()
        logger.info(
            "the client of session {} is back after {:.0f} ms: utterance {} from sample {}",
            self._wire.session,
            away_ms,
            utterance,
            at_sample,
        )

    def _take_up(self, resume: Resume | None) -> None:
        """Whoever says hello has no audio any more: it goes on from where it says it was."""
        if resume is not None and resume.session == self._wire.session:
            self._played_audio.played(resume.utterance, resume.played_samples, final=True)
            self._played_audio.show_again()
            self._show_transcript_again()
        self._played_audio.send_again()

    def _show_transcript_again(self) -> None:
        """It may have been told to nobody; a partial one holds in an open turn only."""
        told = self._wire.transcript
        if told is not None and (told.final or self.floor in (Floor.CONTESTED, Floor.LISTENING)):
            self._wire.send(told)


def _is_ours(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    kind = message.get("type")
    return isinstance(kind, str) and kind.startswith(PREFIX)
