"""Prepares a reply while the user still speaks: the plug around `predictor.py`.

It is told of words and silence, and has a provisional context answered by the LLM that is
there. The reply is made and voiced as any other; `played_audio` holds it until the turn is
over with these words, or forgets it. It works with any STT that has partial words.
The file is long because a third of it is its settings, which are written here alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    Frame,
    InputAudioRawFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import Field

from bargein.ledger.watcher import NOBODY, Watcher
from bargein.matching import FILLERS, Match, MatchPolicy
from bargein.predictor import Drop, Order, Predictor, SpeculationRules
from bargein.processors.clock import Clock, LoopClock
from bargein.processors.floor_frames import SILENCE_MS
from bargein.processors.held_reply import HeldReply
from bargein.processors.provisional_llm import Prepares
from bargein.speculation import Counts, Outcome, Prediction, Resolved

SPEAKS_WITHIN_MS = 3_000
"""What the bot was told to say should be under way by then; if not, its voice has failed."""


class Branch(Protocol):
    """Where provisional contexts set out; implemented by the user's context."""

    async def begin_branch(self, prediction: Prediction) -> None:
        """Have these words answered, in a copy of the context."""

    async def end_branch(self) -> None:
        """Have LLM and TTS stop that."""


class Bot(Protocol):
    """What the bot is at; implemented by the played-audio tracker."""

    held: HeldReply

    @property
    def busy(self) -> bool:
        """Whether a reply is being made or said."""

    def let_go(self) -> None:
        """What is held may be said."""


class Tools(Protocol):
    """The calls of the session; implemented by `ToolCalls`."""

    @property
    def busy(self) -> bool:
        """Whether no reply may be prepared."""


class Speculation(FrameProcessor):
    """Predicts that the turn's words are complete, and has the reply ready when they are."""

    def __init__(
        self,
        *,
        enabled: Annotated[
            bool, Field(description="Whether replies are prepared before the turn is over.")
        ] = True,
        pause_ms: Annotated[
            int,
            Field(
                ge=32,
                le=1000,
                description="With so much silence behind them, words are answered at once.",
            ),
        ] = 32,
        stable_ms: Annotated[
            int,
            Field(
                ge=50,
                le=5000,
                description="Words that have not changed for so long are answered in mid-speech.",
            ),
        ] = 700,
        sentence_ms: Annotated[
            int,
            Field(
                ge=0,
                le=5000,
                description="The same for words behind which the recogniser has put a full stop.",
            ),
        ] = 250,
        min_words: Annotated[
            int, Field(ge=1, le=20, description="Fewer words are not answered before their time.")
        ] = 1,
        wait_for_final: Annotated[
            bool,
            Field(
                description=(
                    "Whether a turn ends on a final transcript only. Off, it may end on the "
                    "partial one that is answered already, once no more words are to be expected; "
                    "a final one that differs takes the reply back. On for a recogniser whose "
                    "partial words are guesses, like pocketsphinx."
                )
            ),
        ] = False,
        match: Annotated[
            Match,
            Field(
                description=(
                    "How much alike predicted and final transcript must be: exact, or normalised: "
                    "case, punctuation, fillers and figures do not count."
                )
            ),
        ] = Match.NORMALISED,
        ignored_words: Annotated[
            list[str] | None,
            Field(description="Words that do not count when transcripts are compared: fillers."),
        ] = None,
        max_predictions: Annotated[
            int, Field(ge=1, le=50, description="So many replies are begun in one turn at most.")
        ] = 12,
        max_wasted_tokens_per_minute: Annotated[
            int,
            Field(
                ge=0,
                le=10_000_000,
                description=(
                    "Where dropped replies have cost so many tokens within a minute, prompt "
                    "included, no more are begun until it is less."
                ),
            ),
        ] = 30_000,
        expires_ms: Annotated[
            int,
            Field(ge=1000, le=60_000, description="A reply that is held for so long is made anew."),
        ] = 10_000,
    ) -> None:
        """Take the rules; what it works with comes with `attach`."""
        # Direct: it never waits, so frames need no queue and no task here.
        super().__init__(enable_direct_mode=True)
        self.enabled = enabled
        ignored = FILLERS if ignored_words is None else tuple(ignored_words)
        self._predictor = Predictor(
            SpeculationRules(
                pause_ms=pause_ms,
                stable_ms=stable_ms,
                sentence_ms=sentence_ms,
                min_words=min_words,
                max_predictions=max_predictions,
                max_wasted_tokens_per_minute=max_wasted_tokens_per_minute,
                expires_ms=expires_ms,
                wait_for_final=wait_for_final,
                policy=MatchPolicy(match, ignored),
            )
        )
        self.counts = Counts()
        self._branch: Branch | None = None
        self._order = asyncio.Lock()
        self._confirmed: Prediction | None = None
        self._told_to_speak_ms = float("-inf")
        self._seen: tuple[Any, ...] = ()

    def attach(
        self,
        *,
        branch: Branch,
        bot: Bot,
        llm: Prepares,
        context: LLMContext,
        watcher: Watcher = NOBODY,
        clock: Clock | None = None,
        tools: Tools | None = None,
    ) -> None:
        """Connect it; called once, before it runs, and only where it is enabled."""
        self._branch, self._bot, self._llm, self._context = branch, bot, llm, context
        self._watcher, self._clock, self._tools = watcher, clock or LoopClock(), tools

    @property
    def policy(self) -> MatchPolicy:
        """When two transcripts are the same."""
        return self._predictor.rules.policy

    @property
    def trusts_words(self) -> bool:
        """Whether a turn may end on partial words: the recogniser hears none where none are."""
        return not self._predictor.rules.wait_for_final

    # --- frames ------------------------------------------------------------------------

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Follow the silence; everything goes on."""
        await super().process_frame(frame, direction)
        if self._branch and direction is FrameDirection.DOWNSTREAM:
            await self._follow(frame)
        await self.push_frame(frame, direction)

    async def _follow(self, frame: Frame) -> None:
        now_ms = self._clock.now_ms()
        self._predictor.bot_busy = self._is_busy(now_ms)
        match frame:
            case InputAudioRawFrame():
                silence_ms = frame.metadata.get(SILENCE_MS)
                if silence_ms is not None:
                    await self._carry_out(self._predictor.silence(silence_ms, now_ms))
                await self._carry_out(self._predictor.tick(now_ms))
            case VADUserStartedSpeakingFrame():
                await self._carry_out(self._predictor.silence(0.0, now_ms))
            case VADUserStoppedSpeakingFrame():
                await self._carry_out(self._predictor.silence(frame.stop_secs * 1000, now_ms))
            case EagerEndOfTurnCancelFrame():
                await self.void(Outcome.OTHER_WORDS)
            case _:
                pass

    # --- what the user's context tells ----------------------------------------------------

    def turn_opened(self) -> None:
        """The user has the floor; the words of the turn are told next."""
        self._predictor.turn_opened(self._clock.now_ms())

    async def words(self, text: str, *, eager: bool = False) -> None:
        """All words of the turn so far; `eager` if the recogniser takes them for complete."""
        now_ms = self._clock.now_ms()
        self._predictor.bot_busy = self._is_busy(now_ms)
        told = self._predictor.eager if eager else self._predictor.words
        await self._carry_out(told(text, now_ms))

    def learn(self, final: str) -> None:
        """All words of the turn, as the recogniser tells them in the end, or after it."""
        self._predictor.learn(final, self._clock.now_ms())

    def may_stand(self) -> bool:
        """Whether the turn may end on the partial words."""
        return self._predictor.may_stand(self._clock.now_ms())

    async def settle(self, text: str) -> bool:
        """The turn is over with these words; whether their reply is there already.

        If so, `let_go` has it said. If not, all that was prepared is dropped.
        """
        live = self._predictor.live
        if live and self._seen != _messages(self._context):
            await self.void(Outcome.CONTEXT_CHANGED)
        self._confirmed = self._predictor.confirm(text) if text else None
        if self._confirmed is None:
            await self.void(Outcome.OTHER_WORDS if text else Outcome.ABANDONED)
        self._predictor.turn_over()
        return self._confirmed is not None

    async def let_go(self) -> None:
        """The turn is written to the context: its reply is said, and its tools run."""
        confirmed, self._confirmed = self._confirmed, None
        if confirmed is None:
            return
        calls = self._llm.withheld
        self._bot.let_go()
        self._resolve(confirmed, Outcome.CONFIRMED, calls)
        await self._llm.confirm()

    async def void(self, outcome: Outcome) -> None:
        """What is prepared is of no use any more."""
        await self._carry_out(self._predictor.void(outcome))

    def told_to_speak(self) -> None:
        """Somebody else has the bot speak: what it says must not be held with a reply."""
        self._told_to_speak_ms = self._clock.now_ms()

    def told_to_stop(self) -> None:
        """The bot was interrupted, and says nothing that it was told to."""
        self._told_to_speak_ms = float("-inf")

    # --- inside ----------------------------------------------------------------------------

    def _is_busy(self, now_ms: float) -> bool:
        """Whether the bot is at something else, or soon will be: a voice takes its time."""
        if self._bot.busy:
            self._told_to_speak_ms = float("-inf")
            return True
        if self._branch and (self._llm.busy or (self._tools is not None and self._tools.busy)):
            return True
        return now_ms - self._told_to_speak_ms < SPEAKS_WITHIN_MS

    async def _carry_out(self, orders: Sequence[Order]) -> None:
        """Do at once what needs no frame; then push the frames, in the order of the orders."""
        for order in orders:
            self._do_now(order)
        if not orders or self._branch is None:
            return
        async with self._order:
            for order in orders:
                if isinstance(order, Drop):
                    await self._branch.end_branch()
                else:
                    await self._branch.begin_branch(order.prediction)

    def _do_now(self, order: Order) -> None:
        if isinstance(order, Drop):
            calls = self._llm.withheld
            self._bot.held.drop(self._clock.now_ms())
            self._llm.drop(order.prediction.number)
            self._resolve(order.prediction, order.outcome, calls)
            return
        self._bot.held.hold()
        self._llm.begin(order.prediction.number)
        self._seen = _messages(self._context)
        self._watcher.predicted(order.prediction)

    def _resolve(self, prediction: Prediction, outcome: Outcome, calls: int) -> None:
        now_ms = self._clock.now_ms()
        spent, ready_ms = self._llm.spent, self._bot.held.first_audio_ms
        saved_ms = 0.0
        if outcome is Outcome.CONFIRMED:
            saved_ms = (now_ms if ready_ms is None else min(now_ms, ready_ms)) - prediction.at_ms
        resolved = Resolved(
            prediction,
            outcome,
            now_ms,
            prompt_tokens=spent.prompt,
            completion_tokens=spent.completion,
            tokens_estimated=spent.estimated,
            tool_calls=calls,
            saved_ms=saved_ms,
        )
        if resolved.wasted_tokens:
            self._predictor.wasted(resolved.wasted_tokens, now_ms)
        self.counts.add(resolved)
        self._watcher.resolved(resolved)


def _messages(context: LLMContext) -> tuple[Any, ...]:
    """The context as it is now: a message that is changed in place is another one."""
    return tuple(dict(each) if isinstance(each, dict) else each for each in context.messages)
