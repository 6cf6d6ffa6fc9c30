"""The played-audio tracker: the plug around `playout.py`, last before the transport.

It turns the TTS's frames into paced packets for the client, holds text and end frames
until their audio was played, and writes what was heard on the InterruptionFrame that
passes: text pushed just before one would be overtaken by it and lost. The interruption
plug calls it directly, never through frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMAssistantPushAggregationFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    StartFrame,
    SystemFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup
from pipecat.utils.text.base_text_aggregator import TextType
from pydantic import Field

from bargein.cut import Cut
from bargein.echo import EchoJudge
from bargein.floor import Heard
from bargein.ledger.watcher import NOBODY, Watcher
from bargein.playout import Playout
from bargein.processors.clock import Clock, LoopClock
from bargein.processors.held_reply import HeldReply
from bargein.processors.stage_tap import TTS_STAGES, StageWatch
from bargein.processors.wire import Wire
from bargein.protocol import SpokenWord, Words
from bargein.truncation import Word

COMMIT = "bargein_commit"
"""Key of the metadata of a frame that commits a message: the message's number."""
START_SAMPLE = "start_sample"
"""Key of a TTSTextFrame's metadata: the sample of its utterance at which the word begins."""
HEARD = "bargein_heard"
"""Key of an InterruptionFrame's metadata: the `Cut`, which says what the listener heard."""
REST_WITHIN_MS = 3_000
"""What follows a phrase that was said before its time is under way by then, or does not come."""


class Phrase(Protocol):
    """A phrase that was said before; `said_phrase.py` has them made."""

    @property
    def pcm(self) -> bytes:
        """PCM16 at the pipeline's rate."""

    @property
    def words(self) -> tuple[tuple[str, int | None], ...]:
        """Each with its first sample, if it is known."""

    @property
    def samples(self) -> int:
        """How long it is."""


class BotEars(Protocol):
    """Who wants to know what the bot does; implemented by the interruption plug."""

    def bot(self, heard: Heard) -> None:
        """The bot began or ended something."""

    def interrupted(self) -> None:
        """An InterruptionFrame came that the arbiter did not order."""

    def corrected(self, cut: Cut) -> None:
        """The client's last position was other than the one the cut was made at."""


class OwesReply(Protocol):
    """Who knows whether more of a reply is to come; implemented by `ToolCalls`."""

    @property
    def owes(self) -> bool:
        """Whether a call is at work, or the LLM was told of one and goes on."""

    def reply_begun(self) -> None:
        """It goes on."""

    def bot_started(self) -> None:
        """The bot can be heard."""

    def bot_ended(self) -> None:
        """All that it said was heard."""

    def poke(self) -> None:
        """Something of the bot's has ended."""


class PlayedAudio(FrameProcessor):
    """Paces the bot's voice, and knows to the sample what was played of it."""

    def __init__(
        self,
        *,
        lead_ms: Annotated[
            int,
            Field(
                ge=40,
                le=2000,
                description=(
                    "How far ahead of playout audio is sent, in milliseconds. It bridges stalls "
                    "of the network; what was sent ahead is dropped when the user takes the floor."
                ),
            ),
        ] = 200,
    ) -> None:
        """Take its one setting; everything else comes with `attach` and the pipeline's setup."""
        super().__init__()
        self._lead_ms = lead_ms
        self._playout: Playout[Frame] = Playout(rate_hz=24_000, lead_ms=lead_ms)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._cut: Cut | None = None
        self._kept: list[Frame] = []
        self._bot_speaking = False
        self._releasing = False
        self._reply_open = False
        self._committed = 0
        self._sounded: str | None = None
        self._clock: Clock = LoopClock()
        self._wire: Wire | None = None
        self._ears: BotEars | None = None
        self._tools: OwesReply | None = None
        self._echo: EchoJudge | None = None
        self.held = HeldReply()
        self._stages = StageWatch(TTS_STAGES)
        self._phrases: Mapping[str, Phrase] = {}
        self._opening: Phrase | None = None
        self._joins_samples = 0
        self._join_due_ms: float | None = None

    def attach(
        self,
        *,
        wire: Wire,
        ears: BotEars,
        echo: EchoJudge | None = None,
        clock: Clock | None = None,
        watcher: Watcher = NOBODY,
        phrases: Mapping[str, Phrase] | None = None,
        tools: OwesReply | None = None,
    ) -> None:
        """Connect it with the client and with the arbiter; called once, before it runs.

        `echo` hears what is said, and when; `watcher` when the first of a reply comes; `phrases`
        were said before, and can be said at once.
        """
        self._phrases, self._tools = phrases or {}, tools
        self._wire, self._ears, self._echo = wire, ears, echo
        self._stages = StageWatch(TTS_STAGES, watcher)
        self._clock = clock or self._clock

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]
        """Take the pipeline's output rate."""
        await super().setup(setup)
        self._playout = Playout(rate_hz=setup.audio_out_sample_rate, lead_ms=self._lead_ms)

    async def cleanup(self) -> None:
        """End the pacing task."""
        await super().cleanup()
        if self._task:
            await self.cancel_task(self._task)
            self._task = None

    # --- the interruption plug calls these directly ------------------------------------

    @property
    def utterance(self) -> int:
        """Id of the utterance under way, or 0."""
        return self._playout.current

    @property
    def reply_open(self) -> bool:
        """Whether the LLM is still at its reply."""
        return self._reply_open

    @property
    def committed(self) -> int:
        """Number of the last message that was let go to the context."""
        return self._committed

    @property
    def pending(self) -> bool:
        """Whether something of what it says was not heard yet, or was just cut."""
        return self._playout.pending or self._cut is not None

    @property
    def busy(self) -> bool:
        """Whether a reply is being made or said, or cut, or something waits behind it."""
        return self._reply_open or self.pending

    def let_go(self) -> None:
        """The reply that is held may be said: what there is of it goes out now."""
        self.held.let_go()
        self._wake.set()

    def say_at_once(self, phrase: str) -> bool:
        """Begin an utterance with a phrase that was said before; False if it can't be said now.

        What the voice says next is the rest of this utterance.
        """
        if phrase not in self._phrases or self.busy or self.held.holding:
            return False
        self._opening = self._phrases[phrase]
        self._wake.set()
        return True

    def pause(self) -> None:
        """Send nothing more; takes effect before the next chunk."""
        self._playout.pause()

    def silenced(self, utterance: int, at_sample: int) -> None:
        """The client's loudspeaker fell silent at this sample."""
        if self._echo:
            self._echo.bot.stop(utterance, at_sample)

    def resume(self, utterance: int, at_sample: int | None) -> int:
        """Play on from the sample where the client stopped, and give that sample."""
        at = 0 if at_sample is None else at_sample
        sample = self._playout.resume(utterance, at, self._clock.now_ms())
        self._wake.set()
        return sample

    def wait_for_listener(self) -> None:
        """Nobody listens: send nothing more, keep everything, and take nothing as heard."""
        self._playout.away = True

    def go_on(self, *, whole_word: bool) -> tuple[int, int]:
        """The listener is back: gives the utterance that goes on, and its next sample."""
        at = self._playout.return_to(whole_word=whole_word, now_ms=self._clock.now_ms())
        self._wake.set()
        return at

    def send_again(self) -> None:
        """The listener has nothing of what was sent: it is sent again from what it has heard."""
        self._playout.rewind(self._clock.now_ms())
        self._wake.set()

    def send_again_from(self, utterance: int, at_sample: int) -> None:
        """The same, where the listener was told from which sample on."""
        self._playout.rewind(self._clock.now_ms(), (utterance, at_sample))
        self._wake.set()

    def show_again(self) -> None:
        """Tell the words of what is not played to its end; they may have been told to nobody."""
        for utterance, words in self._playout.words():
            self._show_words((utterance, 0, words))

    def accept(self, utterance: int, at_sample: int | None) -> Cut:
        """Drop everything; tells what was heard up to this sample (or to the estimated one)."""
        now_ms = self._clock.now_ms()
        estimate = at_sample is None
        if at_sample is None:
            utterance, at_sample = self._playout.current, self._playout.position(now_ms)
        self._cut = self._playout.cut(utterance, at_sample, now_ms, estimate=estimate)
        self.held.forget()
        self._opening, self._joins_samples, self._join_due_ms = None, 0, None
        # At once: what waited for audio that is gone would be let go by the pacing task.
        self._kept += [item for item in self._playout.drop_items() if not item.interruptible]
        self._reply_open = False
        self._wake.set()
        return self._cut

    def played(self, utterance: int, played_samples: int, *, final: bool = False) -> None:
        """The client's word on how far playout has come; `final` where it knows of the last cut."""
        corrected = self._playout.correct(utterance, played_samples, final=final)
        if corrected is not None and self._ears:
            self._ears.corrected(corrected)
        self._playout.acknowledge(utterance, played_samples)
        self._wake.set()

    # --- frames ------------------------------------------------------------------------

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the TTS's frames into the playout; hold what must not overtake the audio."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            self._stages.see(frame)
        if isinstance(frame, StartFrame):
            await self.push_frame(frame, direction)
            self._task = self.create_task(self._run(), "playout")
        elif direction is FrameDirection.UPSTREAM:
            await self.push_frame(frame, direction)
        elif isinstance(frame, InterruptionFrame):
            if not self.held.interrupted(frame):
                await self._pass_interruption(frame)
        elif isinstance(frame, SystemFrame):
            await self.push_frame(frame, direction)
        elif self._cut is None or not frame.interruptible:
            # Between a cut and the InterruptionFrame that follows it, what still comes
            # belongs to the reply that was cut.
            self._check(frame)
            if not self.held.take(frame, self._clock.now_ms()):
                await self._take(frame)

    async def _pass_interruption(self, frame: InterruptionFrame) -> None:
        if self._cut is None and self._ears:
            self._ears.interrupted()
        if self._cut is None and self._playout.pending:
            # Nothing of it has sounded yet, and whoever makes it was told to stop.
            self.accept(self._playout.current, 0)
        cut, self._cut = self._cut, None
        if cut is not None:
            frame.metadata[HEARD] = cut
        kept, self._kept = self._kept, []
        await self._bot_stopped()
        await self.push_frame(frame, FrameDirection.DOWNSTREAM)
        for item in kept:
            await self.push_frame(item, FrameDirection.DOWNSTREAM)

    async def _take(self, frame: Frame) -> None:
        at_sample: int | None = None
        match frame:
            case TTSAudioRawFrame():
                self._playout.append(frame.audio)
                self._sounded, self._join_due_ms = frame.context_id, None
                self._wake.set()
                return
            case TTSTextFrame() if self._playout.silent:
                # The sound of it was played, or there was none: then nobody heard it.
                if frame.context_id != self._sounded:
                    return
                self._playout.add_late(frame.text)
            case TTSTextFrame():
                at_sample = self._take_text(frame)
            case LLMFullResponseStartFrame():
                self._reply_open = True
                if self._tools:
                    self._tools.reply_begun()
                self._tell(Heard.REPLY_BEGUN)
            case LLMFullResponseEndFrame() | LLMAssistantPushAggregationFrame() | EndFrame():
                self._reply_open &= not isinstance(frame, LLMFullResponseEndFrame)
                # The voice passes them on when it is done; one that fails tells no other end.
                self._end_utterance()
            case TTSStartedFrame() if self._join_due_ms is not None:
                # It is the rest of what was begun with a phrase; its sound has yet to come.
                pass
            case TTSStartedFrame():
                self._joins_samples = 0
                self._playout.begin(aside=not frame.append_to_context)
            case TTSStoppedFrame():
                self._end_utterance()
        # What has a time would go by the transport's wall clock, and overtake what has none.
        frame.pts = None
        if self._playout.pending or self._releasing:
            self._playout.hold(frame, at_sample, is_text=isinstance(frame, TTSTextFrame))
            self._wake.set()
        else:
            await self._release(frame)

    def _check(self, frame: Frame) -> None:
        if not isinstance(frame, TTSAudioRawFrame):
            return
        rate_hz = self._playout.rate_hz
        if frame.sample_rate != rate_hz or frame.num_channels != 1:
            raise ValueError(
                f"{self}: the TTS makes {frame.sample_rate} Hz with {frame.num_channels} channels, "
                f"the room plays {rate_hz} Hz mono: leave out the TTS's sample_rate, or set "
                "transport.sample_rate_hz to it"
            )

    def _take_text(self, frame: TTSTextFrame) -> int | None:
        start = frame.metadata.get(START_SAMPLE)
        if start is None:
            self._show_words(self._playout.add_sentence(frame.text))
            return None
        start = self._joins_samples + int(start)
        self._show_words(self._playout.add_word(frame.text, start))
        return start

    def _end_utterance(self) -> None:
        self._joins_samples, self._join_due_ms = 0, None
        self._show_words(self._playout.finish())
        self._wake.set()

    async def _open_with_phrase(self) -> None:
        """Say the phrase that waits; a voice that does not go on in time leaves it at that."""
        phrase, self._opening = self._opening, None
        now_ms = self._clock.now_ms()
        if phrase is not None:
            self._playout.begin()
            self._playout.append(phrase.pcm)
            for text, start in phrase.words:
                frame = TTSTextFrame(text, TextType.WORD)
                if start is not None:
                    frame.metadata[START_SAMPLE] = start
                await self._take(frame)
            self._joins_samples, self._join_due_ms = phrase.samples, now_ms + REST_WITHIN_MS
        elif self._join_due_ms is not None and now_ms >= self._join_due_ms:
            self._end_utterance()

    async def _release(self, frame: Frame) -> None:
        if isinstance(frame, LLMFullResponseEndFrame | LLMAssistantPushAggregationFrame):
            self._committed = frame.metadata[COMMIT] = self._playout.commit()
            if not self._bot_speaking and not self._more_is_owed:
                self._tell(Heard.REPLY_EMPTY)
            if self._tools:
                self._tools.poke()
        await self.push_frame(frame, FrameDirection.DOWNSTREAM)

    # --- the pacing task ---------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            wait_ms = await self.pace()
            try:
                async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def pace(self) -> float | None:
        """Send what is due and let go what was played; gives how long to wait unless woken."""
        self._wake.clear()
        await self._open_with_phrase()
        while frame := self.held.next():
            await self._take(frame)
        now_ms = self._clock.now_ms()
        if self._send_due(now_ms):
            await self.broadcast_frame(BotStartedSpeakingFrame)
        self._playout.assume_played(now_ms)
        await self._release_played()
        now_ms = self._clock.now_ms()
        wait_ms = self._playout.wait_ms(now_ms)
        if self._join_due_ms is None:
            return wait_ms
        rest_ms = max(0.0, self._join_due_ms - now_ms)
        return rest_ms if wait_ms is None else min(wait_ms, rest_ms)

    async def _release_played(self) -> None:
        self._releasing = True
        for frame in self._playout.released():
            await self._release(frame)
        self._releasing = False
        if self._bot_speaking and not self._playout.current:
            await self._bot_stopped()
            if self._tools:
                self._tools.bot_ended()
            self._tell(Heard.BOT_FINISHED)
            if self._reply_open or self._more_is_owed:
                self._tell(Heard.REPLY_BEGUN)

    def _send_due(self, now_ms: float) -> bool:
        """Send what is due, without an await: a cut may not come between. True at an onset."""
        silent = not self._bot_speaking
        sounds_ms = now_ms + self._playout.ahead_ms(now_ms)
        while chunk := self._playout.take(now_ms):
            if self._echo:
                self._echo.bot.say(chunk.utterance, chunk.start_sample, chunk.pcm, sounds_ms)
            sounds_ms = now_ms + self._playout.ahead_ms(now_ms)
            if self._wire:
                self._wire.send_audio(
                    chunk.utterance, chunk.start_sample, chunk.pcm, last=chunk.last
                )
            if not self._bot_speaking:
                # After it was sent: to tell may cut it off, and begin a new epoch.
                self._bot_speaking = True
                if self._tools:
                    self._tools.bot_started()
                self._tell(Heard.BOT_STARTED)
        return silent and self._bot_speaking

    @property
    def _more_is_owed(self) -> bool:
        return self._tools is not None and self._tools.owes

    async def _bot_stopped(self) -> None:
        if self._bot_speaking:
            self._bot_speaking = False
            await self.broadcast_frame(BotStoppedSpeakingFrame)

    def _tell(self, heard: Heard) -> None:
        if self._ears:
            self._ears.bot(heard)

    def _show_words(self, change: tuple[int, int, tuple[Word, ...]] | None) -> None:
        if change is None or self._wire is None:
            return
        utterance, first, words = change
        spoken: list[Any] = [
            SpokenWord(
                text=word.text,
                start_sample=word.start_sample,
                end_sample=word.end_sample,
                estimate=word.estimate,
            )
            for word in words
        ]
        self._wire.send(Words(utterance=utterance, first_word=first, words=tuple(spoken)))
