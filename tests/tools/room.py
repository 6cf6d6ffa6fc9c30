"""A real pipeline with tools: the recogniser, the LLM's words and the handlers are the test's."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    Frame,
    FunctionCallFromLLM,
    InputTransportMessageFrame,
    InterruptionFrame,
    LLMAssistantPushAggregationFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.utils.text.base_text_aggregator import TextType
from pipecat.workers.runner import WorkerRunner

from bargein.endpointing import EndpointRules
from bargein.packet import Packet
from bargein.pipelines.session import _setter
from bargein.processors.assistant_context import AssistantContext
from bargein.processors.audit_trail import Trail
from bargein.processors.failover import Failover
from bargein.processors.guarded_llm import guard
from bargein.processors.interruption import Interruption
from bargein.processors.llm_settings import unset_llm_settings
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.provisional_llm import make_provisional
from bargein.processors.speculation import Speculation
from bargein.processors.tool_calls import CallRules, ToolCalls
from bargein.processors.user_context import UserContext
from bargein.processors.wire import Wire
from bargein.protocol import Message, State, Welcome
from bargein.speculation import Outcome
from bargein.tools.audit import Event
from bargein.tools.keywords import Json
from bargein.tools.policy import PolicyRules, ToolPolicy
from bargein.tools.schema import Schema
from bargein.tools.tool import OnInterruption, PythonHandler, Tool
from tests.test_orders import Silence
from tests.test_speculation import SPEAKS, STOPS, Start, final

RATE_HZ = 24_000
SPOKEN_MS = 60
"""So long is everything that the bot says."""
SILENCE_MS = 100
ANSWERS_WITHIN_MS = 1_500

_ids = itertools.count(1)


def tool(name: str = "order", **given: Any) -> Tool:
    """Give a tool that takes a number of cups."""
    arguments = Schema.of_arguments({"cups": {"type": "integer", "minimum": 1, "maximum": 99}})
    return Tool(name, "Does it.", arguments, PythonHandler("shop", name), **given)


FINISHES = {"on_interruption": OnInterruption.FINISH}


@dataclass(frozen=True)
class Says:
    """A reply of the LLM's: words, and calls, each a name and its arguments."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    ids: tuple[str, ...] = ()


class Model(LLMService[Any]):
    """Gives one reply after another, to whatever it is asked; keeps what it was asked."""

    def __init__(self, *replies: Says) -> None:
        super().__init__(settings=unset_llm_settings("given"))
        self.replies = list(replies)
        self.asked: list[list[Any]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.stubborn = False
        """It goes on when it is told to stop."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        messages: list[Any] = frame.context.get_messages()
        self.asked.append([dict(each) for each in messages])
        reply = self.replies.pop(0) if self.replies else Says("Well.")
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            if reply.text:
                await self.push_frame(LLMTextFrame(reply.text))
            await self._wait()
            await self.propose(reply, frame.context)
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _wait(self) -> None:
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            if not self.stubborn:
                raise

    async def propose(self, reply: Says, context: LLMContext) -> None:
        """Call what this reply calls."""
        calls = [
            FunctionCallFromLLM(
                function_name=name,
                tool_call_id=reply.ids[number] if reply.ids else f"call_{next(_ids)}",
                arguments=arguments,
                context=context,
            )
            for number, (name, arguments) in enumerate(reply.calls)
        ]
        await self.run_function_calls(calls)


class Voice(FrameProcessor):
    """Says each text as so much sound, once it has all of it."""

    def __init__(self, *, spoken_ms: int = SPOKEN_MS) -> None:
        super().__init__()
        self.given: list[str] = []
        self._text = ""
        self._sound = bytes(2 * RATE_HZ * spoken_ms // 1000)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._text = ""
        if isinstance(frame, LLMTextFrame):
            self._text += frame.text
        elif isinstance(frame, TTSSpeakFrame):
            await self._say(frame.text)
            await self.push_frame(LLMAssistantPushAggregationFrame())
        else:
            if isinstance(frame, LLMFullResponseEndFrame):
                text, self._text = self._text.strip(), ""
                await self._say(text)
            await self.push_frame(frame, direction)

    async def _say(self, text: str) -> None:
        if not text:
            return
        self.given.append(text)
        await self.push_frame(TTSStartedFrame())
        await self.push_frame(TTSAudioRawFrame(self._sound, RATE_HZ, 1))
        await self.push_frame(TTSTextFrame(text, TextType.SENTENCE))
        await self.push_frame(TTSStoppedFrame())


class Loudspeaker(Silence):
    """A listener who hears what it is sent, in time, and says so."""

    def __init__(self) -> None:
        super().__init__()
        self.bot: PlayedAudio | None = None
        self._heard_s = 0.0

    def send_audio(self, packet: Packet) -> None:
        loop = asyncio.get_running_loop()
        self._heard_s = max(loop.time(), self._heard_s) + packet.samples / RATE_HZ
        end = packet.start_sample + packet.samples
        loop.call_at(self._heard_s, self._played, packet.utterance, end)

    def _played(self, utterance: int, samples: int) -> None:
        if self.bot:
            self.bot.played(utterance, samples)


@dataclass(repr=False)
class Shop:
    """Runs the tools: each call waits until it may go on, and is noted."""

    results: dict[str, Json] = field(default_factory=dict)
    ran: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    holds: set[str] = field(default_factory=set)
    """These go on when `opens` is set."""
    opens: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    async def run(self, tool: Tool, arguments: dict[str, Json]) -> Json:
        self.ran.append((tool.name, arguments))
        if self.error:
            raise self.error
        try:
            if tool.name in self.holds:
                await self.opens.wait()
        except asyncio.CancelledError:
            self.killed.append(tool.name)
            raise
        self.ended.append(tool.name)
        return self.results.get(tool.name, {"number": 7})


@dataclass(frozen=True)
class Notes(Trail):
    """An audit that is kept in memory."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    async def note(self, event: Event, **told: Any) -> None:
        self.lines.append((event.value, told.get("tool", ""), told.get("code", "")))

    def of(self, tool: str) -> list[str]:
        """The events of one tool."""
        return [event for event, name, _ in self.lines if name == tool]


@dataclass(repr=False)
class Room:
    """What a test sees of the bot."""

    model: Model
    voice: Voice
    context: LLMContext
    interruption: Interruption
    speculation: Speculation
    loudspeaker: Loudspeaker
    calls: ToolCalls
    shop: Shop
    notes: Notes
    queue: Callable[[Frame], Awaitable[None]]

    async def hear(self, *frames: Frame) -> None:
        """Give frames, each after the one before has gone through."""
        for frame in frames:
            await self.queue(frame)
            await asyncio.sleep(0.02)

    async def say(self, text: str) -> None:
        """Have a turn of the user's, with these words."""
        await self.begin()
        await self.end(text)

    async def begin(self) -> None:
        """Begin to speak."""
        await self.hear(SPEAKS)

    async def end(self, text: str) -> None:
        """Have said this."""
        await self.hear(final(text), STOPS) if text else await self.hear(STOPS)

    async def sound(self) -> None:
        """Make a noise: the client mutes the bot, and it is for nothing."""
        utterance = self.loudspeaker.bot.utterance if self.loudspeaker.bot else 0
        played = RATE_HZ // 4 if utterance else 0
        heard = {"utterance": utterance, "played_samples": played, "probability": 0.8}
        stamp = {"v": 1, "session": "s", "seq": next(_ids), "epoch": self.epoch}
        message = {"type": "bargein/truncate", **stamp, **heard}
        await self.hear(InputTransportMessageFrame(message=message))

    @property
    def epoch(self) -> int:
        """The one that is current."""
        return self.interruption._arbiter.epoch

    async def until(self, holds: Callable[[], object], within_s: float = 4) -> None:
        """Wait for something."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110  (it looks at plain values)
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise TimeoutError(f"{self.voice.given} {self.floors} {self.written}") from None

    async def quiet(self, for_s: float = 0.3) -> None:
        """Give whatever might still come its time."""
        await asyncio.sleep(for_s)

    @property
    def floors(self) -> list[str]:
        """The floor's states so far."""
        return [str(each.state) for each in self.sent(State)]

    def sent(self, kind: type[Message]) -> list[Any]:
        """Give the messages of a kind to the client."""
        return [each for each in self.loudspeaker.said if isinstance(each, kind)]

    @property
    def written(self) -> list[str]:
        """The context, in short: who, and the text, the call or its result."""
        return [_short(each) for each in self.messages]

    @property
    def messages(self) -> list[Any]:
        """The context."""
        return list(self.context.get_messages())


def _short(message: dict[str, Any]) -> str:
    role = message["role"]
    for call in message.get("tool_calls") or ():
        return f"call {call['function']['name']} {call['function']['arguments']}"
    content = str(message.get("content"))
    return f"{role}: {content.split(':')[0] if content.startswith('CANCELLED') else content}"


def is_whole(messages: Sequence[Any]) -> bool:
    """Whether a service takes this context: every call stands before its answer, once."""
    called = [call["id"] for each in messages for call in each.get("tool_calls") or ()]
    answered = [each["tool_call_id"] for each in messages if each["role"] == "tool"]
    pairs = zip(messages, [*messages[1:], {}], strict=True)
    behind = [
        then.get("tool_call_id") for each, then in pairs for _ in each.get("tool_calls") or ()
    ]
    return called == answered == behind and len(set(called)) == len(called)


def _either(*models: Model) -> Failover:
    part = Failover()
    part.hold(models, [f"model {number}" for number, _ in enumerate(models)])
    return part


@asynccontextmanager
async def opened(
    *replies: Says,
    tools: Sequence[Tool] = (),
    shop: Shop | None = None,
    rules: CallRules | None = None,
    policy: PolicyRules | None = None,
    spoken_ms: int = SPOKEN_MS,
    reply_within_ms: int = 10_000,
    speculates: bool = False,
    llm: Model | None = None,
    next_llm: Model | None = None,
) -> AsyncIterator[Room]:
    """A bot whose recogniser is the test; `next_llm` takes over where the LLM fails."""
    model, shop = llm or Model(*replies), shop or Shop()
    voice, notes = Voice(spoken_ms=spoken_ms), Notes()
    schemas = [
        FunctionSchema(each.name, each.description, dict(each.arguments.json["properties"]), [])
        for each in tools
    ]
    context = LLMContext(tools=ToolsSchema(schemas)) if schemas else LLMContext()
    calls = ToolCalls(ToolPolicy(tools, rules=policy), context, shop, notes, rules or CallRules())
    interruption = Interruption(reply_within_ms=reply_within_ms)
    played_audio, speculation = PlayedAudio(), Speculation(enabled=speculates)
    loudspeaker = Loudspeaker()
    wire = Wire(loudspeaker, "s")
    user = UserContext(
        context,
        listener=interruption,
        rules=EndpointRules(silence_ms=SILENCE_MS, likely_silence_ms=SILENCE_MS),
        analyzer=None,
        speculation=speculation if speculates else None,
        tools=calls,
    )
    assistant = AssistantContext(context, user=user, wrote=calls.wrote)
    loudspeaker.bot = played_audio
    played_audio.attach(wire=wire, ears=interruption, tools=calls)
    interruption.attach(
        wire=wire,
        played_audio=played_audio,
        welcome=Welcome(),
        min_speech_duration_ms=150,
        correct=assistant.correct,
        tools=calls,
    )
    calls.attach(speaker=interruption, voice=played_audio)
    llms = _either(model, next_llm) if next_llm else model
    guard(llms, calls)
    if speculates:
        prepares = make_provisional(
            llms, context=context, void=lambda: speculation.void(Outcome.CONTEXT_CHANGED)
        )
        speculation.attach(
            branch=user, bot=played_audio, llm=prepares, context=context, tools=calls
        )
    worker = PipelineWorker(
        Pipeline([interruption, Start(), speculation, user, llms, voice, played_audio, assistant]),
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
    try:
        yield Room(
            model, voice, context, interruption, speculation, loudspeaker, calls, shop, notes,
            worker.queue_frame,
        )  # fmt: skip
    finally:
        await calls.close()
        await worker.cancel()
        async with asyncio.timeout(10):
            await running
    for each in [*model.asked, context.get_messages()]:
        assert is_whole(each), each
