"""A reply that is prepared while the user still speaks: said when it fits, else never there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams
from pipecat.workers.runner import WorkerRunner

from bargein.endpointing import EndpointRules
from bargein.ledger.watcher import Watcher
from bargein.pipelines.session import _setter
from bargein.processors import end_of_turn
from bargein.processors.assistant_context import AssistantContext
from bargein.processors.floor_frames import SILENCE_MS
from bargein.processors.guarded_llm import guard
from bargein.processors.interruption import Interruption
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.provisional_llm import make_provisional
from bargein.processors.speculation import Speculation
from bargein.processors.tool_calls import ToolCalls
from bargein.processors.user_context import UserContext
from bargein.processors.wire import Wire
from bargein.protocol import Welcome
from bargein.speculation import Outcome, Prediction, Resolved
from bargein.tools.policy import ToolPolicy
from bargein.tools.schema import Schema
from bargein.tools.tool import PythonHandler, Tool
from tests.room.parts import GivenLlm
from tests.test_orders import Silence

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

SILENCE_S = 0.2
RATE_HZ = 24_000
SOUND = bytes(2 * RATE_HZ // 50)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_of_turn, "STALL_S", 0.0)
    monkeypatch.setattr(end_of_turn, "TRANSCRIPT_WAIT_S", 0.15)


class Model(GivenLlm):
    """Answers the last message of a context: "tea" with "You said tea."; may call a tool."""

    def __init__(self, *, calls_tool: bool = False, fails: int = 0) -> None:
        super().__init__(answers=[])
        self.asked: list[list[str]] = []
        self._calls_tool = calls_tool
        self._fails = fails

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, LLMContextFrame):
            said = [str(each.get("content")) for each in frame.context.get_messages()]  # type: ignore[union-attr]
            self.asked.append(said)
            self._answers = [f"You said {said[-1]}"]
            if len(self.asked) <= self._fails:
                await self.push_error("the model is down")
                return
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            usage = LLMTokenUsage(prompt_tokens=100, completion_tokens=10, total_tokens=110)
            await self.start_llm_usage_metrics(usage)
            if self._calls_tool:
                self._calls_tool = False
                call = FunctionCallFromLLM(
                    function_name="book",
                    tool_call_id="1",
                    arguments={"who": said[-1]},
                    context=frame.context,
                )
                await self.run_function_calls([call])


class SlowModel(Model):
    """Writes nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.waits, self.may_write = asyncio.Event(), asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, LLMContextFrame):
            self.waits.set()
            await self.may_write.wait()
        await super().process_frame(frame, direction)


class Voice(FrameProcessor):
    """Says each reply as 20 ms of sound, once it has all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []
        self._text = ""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._text = ""
        if isinstance(frame, LLMTextFrame):
            self._text += frame.text
        elif isinstance(frame, TTSSpeakFrame):
            await self._say(frame.text)
        else:
            if isinstance(frame, LLMFullResponseEndFrame):
                await self._say(self._text.strip())
                self._text = ""
            await self.push_frame(frame, direction)

    async def _say(self, text: str) -> None:
        self.given.append(text)
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(SOUND, RATE_HZ, 1))
        await self.push_frame(TTSStoppedFrame())


class SlowVoice(Voice):
    """Makes no sound before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_speak = asyncio.Event()

    async def _say(self, text: str) -> None:
        await self.may_speak.wait()
        await super()._say(text)


class Watching(Watcher):
    """Keeps what became of predictions."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.over: list[Resolved] = []

    def predicted(self, prediction: Prediction) -> None:
        self.begun.append(prediction.text)

    def resolved(self, resolved: Resolved) -> None:
        self.over.append(resolved)

    @property
    def outcomes(self) -> list[tuple[str, Outcome]]:
        """Words, and what became of the reply to them."""
        return [(each.prediction.text, each.outcome) for each in self.over]


class Loudspeaker(Silence):
    """Notes when each utterance's first packet goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.utterances: list[int] = []

    def send_audio(self, packet: Any) -> None:
        self.utterances.append(packet.utterance)


@dataclass
class Room:
    """What a test sees of the bot."""

    model: Model
    voice: Voice
    watching: Watching
    context: LLMContext
    interruption: Interruption
    speculation: Speculation
    loudspeaker: Loudspeaker
    queue: Callable[[Frame], Awaitable[None]]
    booked: list[tuple[str, list[Any]]] = field(default_factory=list)

    async def hear(self, *frames: Frame) -> None:
        """Give frames, each after the one before has gone through."""
        for frame in frames:
            await self.queue(frame)
            await asyncio.sleep(0.02)

    async def until(self, holds: Callable[[], object], within_s: float = 3) -> None:
        """Wait for something."""
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110  (it looks at plain values)
                await asyncio.sleep(0.005)

    @property
    def messages(self) -> list[str]:
        """The texts of the real context."""
        return [str(each.get("content")) for each in self.context.get_messages()]  # type: ignore[union-attr]


def interim(text: str) -> Frame:
    """The recogniser guesses."""
    return InterimTranscriptionFrame(text, "user", "now")


def final(text: str) -> Frame:
    """The recogniser is sure."""
    return TranscriptionFrame(text, "user", "now", finalized=True)


def silence(ms: float) -> Frame:
    """A chunk of the microphone with so much silence behind the speech."""
    frame = InputAudioRawFrame(bytes(1024), 16_000, 1)
    frame.metadata[SILENCE_MS] = ms
    return frame


class Start(FrameProcessor):
    """Tells the gateway what the VAD found, which stands behind it in a real pipeline."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, VADUserStartedSpeakingFrame):
                await self.push_frame(VADUserStartedSpeakingFrame(), FrameDirection.UPSTREAM)
            elif isinstance(frame, VADUserStoppedSpeakingFrame):
                await self.push_frame(VADUserStoppedSpeakingFrame(), FrameDirection.UPSTREAM)


SPEAKS = VADUserStartedSpeakingFrame(start_secs=0.1)
STOPS = VADUserStoppedSpeakingFrame(stop_secs=0.2)


@asynccontextmanager
async def opened(
    model: Model | None = None,
    *,
    voice: Voice | None = None,
    reply_within_ms: int = 10_000,
    silence_ms: int = round(SILENCE_S * 1000),
    **settings: Any,
) -> AsyncIterator[Room]:
    """A bot whose recogniser is the test."""
    model, voice = model or Model(), voice or Voice()
    context = LLMContext()
    booked: list[tuple[str, list[Any]]] = []

    class Desk:
        async def run(self, _: Tool, arguments: dict[str, Any]) -> Any:
            booked.append((arguments["who"], list(context.messages)))
            return {"booked": True}

    who = Schema.of_arguments({"who": {"type": "string"}})
    book = Tool("book", "Book it.", who, PythonHandler("desk", "book"))
    calls = ToolCalls(ToolPolicy([book]), context, Desk())
    if model._calls_tool:
        schema = FunctionSchema("book", "Book it.", {"who": {"type": "string"}}, ["who"])
        context.set_tools(ToolsSchema([schema]))
        guard(model, calls)
    interruption = Interruption(reply_within_ms=reply_within_ms)
    played_audio = PlayedAudio()
    speculation, watching = Speculation(**settings), Watching()
    loudspeaker = Loudspeaker()
    wire = Wire(loudspeaker, "s")
    user = UserContext(
        context,
        listener=interruption,
        rules=EndpointRules(silence_ms=silence_ms, likely_silence_ms=silence_ms),
        analyzer=None,
        speculation=speculation if speculation.enabled else None,
        tools=calls,
    )
    assistant = AssistantContext(context, user=user, wrote=calls.wrote)
    played_audio.attach(wire=wire, ears=interruption, tools=calls)
    calls.attach(speaker=interruption, voice=played_audio)
    interruption.attach(
        wire=wire,
        played_audio=played_audio,
        welcome=Welcome(),
        min_speech_duration_ms=150,
        correct=assistant.correct,
        tools=calls,
    )
    if speculation.enabled:
        provisional = make_provisional(
            model, context=context, void=lambda: speculation.void(Outcome.CONTEXT_CHANGED)
        )
        speculation.attach(
            branch=user,
            bot=played_audio,
            llm=provisional,
            context=context,
            watcher=watching,
            tools=calls,
        )
    worker = PipelineWorker(
        Pipeline([interruption, Start(), speculation, user, model, voice, played_audio, assistant]),
        params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=RATE_HZ),
        enable_rtvi=False,
        idle_timeout_secs=None,
    )
    started = asyncio.Event()

    worker.add_event_handler("on_pipeline_started", _setter(started))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(10):
        await started.wait()
    room = Room(
        model,
        voice,
        watching,
        context,
        interruption,
        speculation,
        loudspeaker,
        worker.queue_frame,
        booked,
    )
    try:
        yield room
    finally:
        await calls.close()
        await worker.cancel()
        async with asyncio.timeout(10):
            await running


async def test_a_reply_is_made_while_the_user_speaks_and_said_when_the_turn_is_over() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given == ["You said a tea"])
        assert room.loudspeaker.utterances == []
        assert room.messages == []
        await room.hear(STOPS, final("A tea."))
        await room.until(lambda: room.loudspeaker.utterances)
        # It was not asked again, and the context has what the recogniser said in the end.
        assert room.model.asked == [["a tea"]]
        assert room.messages[0] == "A tea."
        assert room.watching.outcomes == [("a tea", Outcome.CONFIRMED)]
        (resolved,) = room.watching.over
        assert resolved.saved_ms > 0
        assert resolved.wasted_tokens == 0
        assert room.speculation.counts.hit_rate == 1


async def test_other_words_drop_the_reply_and_nothing_of_it_was_ever_there() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given == ["You said a tea"])
        await room.hear(silence(0), interim("a tea and a cake"), silence(128))
        await room.until(lambda: room.voice.given[1:] == ["You said a tea and a cake"])
        await room.hear(STOPS, final("a tea and a cake"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked == [["a tea"], ["a tea and a cake"]]
        assert room.messages[0] == "a tea and a cake"
        assert len(set(room.loudspeaker.utterances)) == 1
        assert room.watching.outcomes == [
            ("a tea", Outcome.OTHER_WORDS),
            ("a tea and a cake", Outcome.CONFIRMED),
        ]
        dropped, _ = room.watching.over
        assert (dropped.wasted_tokens, dropped.tokens_estimated) == (110, False)


async def test_a_final_transcript_that_differs_is_answered_anew() -> None:
    async with opened(wait_for_final=True) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        await room.hear(STOPS, final("a pea"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked == [["a tea"], ["a pea"]]
        assert room.voice.given == ["You said a tea", "You said a pea"]
        assert [text for text in room.messages if "tea" in text] == []
        assert room.watching.outcomes[0] == ("a tea", Outcome.OTHER_WORDS)


async def test_the_turn_may_end_on_the_partial_words_and_the_final_ones_are_written_down() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128), STOPS, silence(330))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.messages[0] == "a tea"
        await room.hear(final("A tea."))
        await room.until(lambda: room.messages[0] == "A tea.")
        assert room.model.asked == [["a tea"]]


async def test_a_final_transcript_that_differs_afterwards_takes_the_reply_back() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128), STOPS, silence(330))
        await room.until(lambda: room.loudspeaker.utterances)
        await room.hear(final("a pea"))
        await room.until(lambda: "You said a pea" in room.voice.given)
        assert room.model.asked[-1][-1] == "a pea"


async def test_switched_off_nothing_is_prepared() -> None:
    async with opened(enabled=False) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(500))
        assert room.model.asked == []
        await room.hear(STOPS, final("a tea"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked == [["a tea"]]


async def test_a_tool_waits_for_the_turn_and_is_not_asked_for_twice() -> None:
    async with opened(Model(calls_tool=True)) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        await asyncio.sleep(0.05)
        assert room.booked == []
        assert room.messages == []
        await room.hear(STOPS, final("A tea."))
        await room.until(lambda: room.booked)
        ((who, messages),) = room.booked
        assert who == "a tea"
        assert messages[0]["content"] == "A tea."
        # One inference for the call; the other is for its result.
        await room.until(lambda: len(room.model.asked) == 2)
        assert room.model.asked[0] == ["a tea"]
        assert room.watching.over[0].tool_calls == 1


async def test_a_tool_of_a_dropped_reply_never_runs() -> None:
    async with opened(Model(calls_tool=True)) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        await room.hear(interim("a pea"), silence(160))
        await room.hear(STOPS, final("a pea"))
        await room.until(lambda: room.loudspeaker.utterances)
        await asyncio.sleep(0.05)
        assert room.booked == []


async def test_a_change_of_the_context_voids_the_reply() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        room.context.add_message({"role": "developer", "content": "The kitchen is closed."})
        await room.hear(STOPS, final("a tea"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.watching.outcomes == [("a tea", Outcome.CONTEXT_CHANGED)]
        assert room.model.asked[-1] == ["The kitchen is closed.", "a tea"]


async def test_a_result_that_comes_meanwhile_is_answered_and_the_prepared_reply_gives_way() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        room.context.add_message({"role": "developer", "content": "It rains."})
        await room.model.queue_frame(LLMContextFrame(room.context))
        await room.until(lambda: "You said It rains." in room.voice.given)
        assert room.watching.outcomes[0] == ("a tea", Outcome.CONTEXT_CHANGED)
        await room.until(lambda: room.loudspeaker.utterances)


async def test_while_a_result_is_answered_no_reply_is_prepared_that_would_keep_it_back() -> None:
    model = SlowModel()
    async with opened(model) as room:
        result = LLMContext([{"role": "user", "content": "a result"}])
        await room.model.queue_frame(LLMContextFrame(result))
        await room.until(model.waits.is_set)
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        assert room.watching.begun == []
        model.may_write.set()
        await room.until(lambda: "You said a result" in room.voice.given)


async def test_somebody_else_who_speaks_goes_first() -> None:
    async with opened() as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.voice.given)
        await room.hear(TTSSpeakFrame("Fire!"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.voice.given[:2] == ["You said a tea", "Fire!"]
        assert room.watching.outcomes[0] == ("a tea", Outcome.CONTEXT_CHANGED)


async def test_a_model_that_fails_is_asked_again_when_the_turn_is_over() -> None:
    async with opened(Model(fails=1)) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128))
        await room.until(lambda: room.watching.outcomes == [("a tea", Outcome.FAILED)])
        await room.hear(silence(160), STOPS, final("a tea"))
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked == [["a tea"], ["a tea"]]


async def test_a_recogniser_that_never_ends_is_answered_all_the_same() -> None:
    async with opened(wait_for_final=True) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128), STOPS)
        await room.until(lambda: room.loudspeaker.utterances, within_s=6)
        assert room.model.asked == [["a tea"]]
        assert room.messages[0] == "a tea"


async def test_a_dropped_reply_leaves_a_tool_of_an_earlier_turn_at_its_work() -> None:
    async with opened() as room:
        done, ready = asyncio.Event(), asyncio.Event()

        async def look_up(params: FunctionCallParams) -> None:
            await ready.wait()
            done.set()
            await params.result_callback({"found": True})

        room.model.register_function("look_up", look_up)
        call = FunctionCallFromLLM("look_up", "7", {}, room.context)
        await room.model.run_function_calls([call])
        await room.hear(SPEAKS, interim("thank"), silence(128))
        await room.until(lambda: room.voice.given)
        await room.hear(interim("thank you"), silence(160))
        await room.until(lambda: room.watching.outcomes == [("thank", Outcome.OTHER_WORDS)])
        await room.until(lambda: len(room.voice.given) == 2)
        ready.set()
        async with asyncio.timeout(3):
            await done.wait()


async def test_what_a_slow_voice_was_told_to_say_is_not_held_with_a_reply() -> None:
    voice = SlowVoice()
    async with opened(voice=voice) as room:
        await room.hear(TTSSpeakFrame("Fire!"), SPEAKS, interim("a tea"), silence(128))
        voice.may_speak.set()
        await room.until(lambda: room.loudspeaker.utterances)
        assert room.model.asked == []


async def test_a_context_that_comes_while_the_turn_ends_is_answered_behind_the_reply() -> None:
    async with opened(silence_ms=5_000) as room:
        await room.hear(SPEAKS, interim("a tea"), silence(128), STOPS)
        await room.until(lambda: room.voice.given)
        assert await room.speculation.settle("a tea")
        await room.model.queue_frame(
            LLMContextFrame(LLMContext([{"role": "developer", "content": "It rains."}]))
        )
        await asyncio.sleep(0.02)
        await room.speculation.let_go()
        await room.until(lambda: room.voice.given == ["You said a tea", "You said It rains."])
