"""One conversation: a config's parts, wired, run, and ended with nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from loguru import logger
from pipecat.frames.frames import ErrorFrame, TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from bargein.config.structure import Role
from bargein.config.tools import ToolRules
from bargein.echo import EchoJudge
from bargein.endpointing import EndpointRules
from bargein.errors import PartError
from bargein.ledger.recorder import Sink
from bargein.ledger.reporter import Reporter
from bargein.ledger.watcher import Watcher
from bargein.pipelines.budget import meter
from bargein.pipelines.ledger import recorder
from bargein.pipelines.load import Config
from bargein.pipelines.resume_phrases import prepared
from bargein.pipelines.shared import NOTHING, Shared, sandboxed
from bargein.processors.advertised import advertised
from bargein.processors.assistant_context import AssistantContext
from bargein.processors.audit_file import AuditError
from bargein.processors.audit_trail import Trail
from bargein.processors.clock import monotonic_ms
from bargein.processors.failover import Failover, members
from bargein.processors.guarded_llm import guard
from bargein.processors.interruption import Interruption
from bargein.processors.latency_report import LatencyReport
from bargein.processors.local_model import LocalModel
from bargein.processors.meter import Meter
from bargein.processors.metered_llm import make_metered
from bargein.processors.part_errors import PartFailure, failure_of
from bargein.processors.played_audio import PlayedAudio
from bargein.processors.provisional_llm import make_provisional
from bargein.processors.smart_turn import SmartTurn
from bargein.processors.speculation import Speculation
from bargein.processors.stage_tap import StageTap
from bargein.processors.tool_calls import CallRules, ToolCalls
from bargein.processors.tool_runs import Either, SandboxedTools
from bargein.processors.user_context import UserContext
from bargein.processors.vad import SileroVad
from bargein.processors.wire import ClientLink, Wire
from bargein.protocol import MICROPHONE_RATE_HZ, Error, Welcome
from bargein.speculation import Outcome
from bargein.tools.audit import Event
from bargein.tools.policy import ToolPolicy
from bargein.voice_activity import VoiceRules

T = TypeVar("T")

START_S = 20.0
STOP_S = 5.0
MICROPHONE_S = 3.0
"""A client without a microphone is greeted after so long all the same."""
SAME_ERROR_MS = 5_000
SILENCE_MS = 700
"""What ends a turn where neither the config nor a VAD of the user's own says."""


@dataclass(slots=True)
class Session:
    """A pipeline that is wired and ready to run."""

    id: str
    config: Config
    wire: Wire
    worker: PipelineWorker
    parts: tuple[FrameProcessor, ...]
    context: LLMContext
    ledger: Watcher
    tools: ToolCalls
    runs: SandboxedTools
    failures: dict[str, PartFailure] = field(default_factory=dict)
    """The last error of each part, by its name."""
    meter: Meter | None = None
    """What it uses; None where there is no budget."""
    _lost: asyncio.Event = field(default_factory=asyncio.Event)
    """A part can't work any more: nobody could talk with the bot."""

    async def run(self, *, until: asyncio.Event, greet_after: asyncio.Event) -> None:
        """Run until the client has left, a part is lost, or the pipeline has ended.

        It always returns, in bounded time; a client whose bot has lost a part was told so.
        The greeting waits for `greet_after`, the client's first sound. Raises PartError if
        the pipeline does not start.
        """
        async with self.runs.open():
            await self._run(until, greet_after)

    async def _run(self, until: asyncio.Event, greet_after: asyncio.Event) -> None:
        if self.meter:
            await self.meter.open()
        started = asyncio.Event()
        self.worker.add_event_handler("on_pipeline_started", _setter(started))
        self.worker.add_event_handler("on_pipeline_error", self._report())
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        running = asyncio.create_task(runner.run())
        counting = asyncio.create_task(self.meter.run()) if self.meter else None
        leaving = asyncio.create_task(until.wait())
        losing = asyncio.create_task(self._lost.wait())
        greeting: asyncio.Task[None] | None = None
        ending: asyncio.Task[None] | None = None
        try:
            if not await _first(started, running, leaving, timeout_s=START_S):
                if leaving.done():
                    return
                raise PartError(f"the pipeline of {self.config.path} did not start; see the log")
            self._check_parts()
            _the(Interruption, self.parts).welcome()
            logger.info("session {} runs {}", self.id, self.config.name)
            greeting = asyncio.create_task(self._greet(greet_after))
            ending = asyncio.create_task(self._end_at_limit(greet_after, greeting))
            ends = [running, leaving, losing, ending]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if ending:
                ending.cancel()
            leaving.cancel()
            losing.cancel()
            if greeting:
                greeting.cancel()
            # What may finish does, while the pipeline ends.
            await asyncio.gather(self.tools.close(), self._stop(running))
            if self.meter and counting:
                self.meter.close()
                await asyncio.wait([counting], timeout=STOP_S)
            self.ledger.close()
        logger.info("session {} is over", self.id)

    def _check_parts(self) -> None:
        """Pipecat starts a pipeline whose parts have given up; nobody could talk with it."""
        for part in self.parts:
            if not part.is_usable:
                failure = self.failures.get(part.name)
                reason = failure.reason if failure else "the log says why"
                raise PartError(f"{part.name} can't work: {reason}")

    async def _greet(self, greet_after: asyncio.Event) -> None:
        if not self.config.greeting or (self.meter and self.meter.reached):
            return
        await self._until_heard(greet_after)
        await self.worker.queue_frame(TTSSpeakFrame(self.config.greeting))

    async def _until_heard(self, microphone: asyncio.Event) -> None:
        """Who has no microphone is talked to all the same, after a while."""
        try:
            async with asyncio.timeout(MICROPHONE_S):
                await microphone.wait()
        except TimeoutError:
            logger.info("session {}: no microphone is heard", self.id)

    async def _end_at_limit(self, microphone: asyncio.Event, greeting: asyncio.Task[None]) -> None:
        """Once a limit is reached: say so, in bounded time, and be over."""
        if self.meter is None:
            await asyncio.Event().wait()
            return
        await self.meter.spent.wait()
        limit, settings = self.meter.reached, self.config.budget
        assert limit
        assert settings
        logger.warning("session {} ends at its budget: {}", self.id, limit)
        # No call begins any more, whatever the user answers by now to a question of before.
        closing = asyncio.create_task(self.tools.close())
        greeting.cancel()
        try:
            await self.tools.trail.note(Event.LIMIT, code=limit.code, reason=str(limit))
        except AuditError as error:
            logger.error("session {}: {}", self.id, error)
        await self._until_heard(microphone)
        if not await _the(Interruption, self.parts).say_last(settings.at_limit):
            logger.warning("session {}: nobody heard why it ends", self.id)
        await closing
        said = f"the budget is used up: {limit.what} of this {limit.whose}"
        self.wire.send(Error(code="budget", message=said, final=True))

    async def _stop(self, running: asyncio.Task[None]) -> None:
        if not running.done():
            await self.worker.cancel(reason="the conversation is over")
        _, late = await asyncio.wait([running], timeout=STOP_S)
        if late:
            logger.error("session {}: the pipeline did not stop in {} s", self.id, STOP_S)
            running.cancel()
            await asyncio.wait([running], timeout=STOP_S)

    def _report(self) -> Any:
        last: dict[str, float] = {}

        async def report(_worker: object, frame: ErrorFrame) -> None:
            now_ms, failure = monotonic_ms(), failure_of(frame, self.parts)
            again = now_ms - last.get(frame.error, float("-inf")) < SAME_ERROR_MS
            if again and not failure.lost:
                return
            last[frame.error] = now_ms
            self.failures[failure.part] = failure
            traced = None if failure.known else frame.exception
            logger.opt(exception=traced).error("session {}: {}", self.id, failure.reason)
            if self._lost.is_set():
                return
            self.wire.send(Error(code=failure.code, message=failure.told, final=failure.lost))
            if failure.lost:
                self._lost.set()

        return report


def assemble(
    config: Config,
    *,
    transport: BaseTransport,
    link: ClientLink,
    sample_rate_hz: int,
    client_has_vad: bool = True,
    ledger: Sink | None = None,
    reporters: Iterable[Reporter] = (),
    shared: Shared = NOTHING,
    identity: str | None = None,
    session_id: str | None = None,
) -> Session:
    """Build every part anew and wire them; raises ConfigError or PartError, naming the part.

    For a client without a VAD the server is the first to suspect speech. The session's
    lines go to `ledger`, if there is one; whoever opened it closes it. The `reporters` hear
    at once of answers, turns, verdicts and predictions. `identity` is who talks with the bot,
    for the audit, and for budgets that several sessions share in `shared`. A session without an
    id gets one.
    """
    session_id = session_id or secrets.token_hex(8)
    declared = (*config.tools, *(shared.servers.tools if shared.servers else ()))
    context = LLMContext(tools=advertised(declared)) if declared else LLMContext()
    parts: list[FrameProcessor] = [part.build() for part in config.parts]
    interruption, played_audio = _the(Interruption, parts), _the(PlayedAudio, parts)
    vad = next((part for part in parts if isinstance(part, SileroVad)), None)
    speculation = _enabled(parts)
    who = identity or session_id
    counter = meter(config.budget, who, shared.budgets, session=session_id)
    trail = Trail(shared.audit, session_id, identity or "", config.name, config.digest)
    runs = shared.runs or sandboxed(config)
    policy = ToolPolicy(declared, allowance=counter)
    either, rules = Either(runs, shared.servers), _call_rules(config.tool_rules)
    tools = ToolCalls(policy, context, runs=either, trail=trail, rules=rules)
    llm = [part.role for part in config.parts].index(Role.LLM)
    voice = vad.rules if vad else VoiceRules()
    report = LatencyReport()
    watcher = recorder(
        ledger,
        session=session_id,
        config=config.digest,
        sample_rate_hz=sample_rate_hz,
        rules=replace(interruption.rules, min_speech_duration_ms=voice.min_speech_duration_ms),
        voice=voice,
        barge_in_enabled=interruption.barge_in_enabled,
        reporters=[report, *reporters],
    )
    wire = Wire(link, session_id, watcher=watcher)
    report.attach(wire)
    user = UserContext(
        context,
        listener=interruption,
        rules=_endpointing(config, vad),
        analyzer=SmartTurn() if config.endpointing.smart_turn else None,
        passes_microphone=not all(deaf(part) for part in parts[llm:]),
        speculation=speculation,
        watcher=watcher,
        tools=tools,
    )
    assistant = AssistantContext(context, user=user, wrote=tools.wrote)
    echo = EchoJudge(sample_rate_hz)
    phrases = prepared(config, sample_rate_hz)
    played_audio.attach(
        wire=wire,
        ears=interruption,
        echo=echo,
        watcher=watcher,
        phrases=phrases,
        tools=tools,
    )
    tools.attach(speaker=interruption, voice=played_audio)
    # Below what is made provisional: calls that were kept back come here, too.
    if counter:
        make_metered(parts[llm], counter)
    guard(parts[llm], tools)
    if vad:
        vad.attach(wire.take_bot_db, echo=echo)
    interruption.attach(
        wire=wire,
        played_audio=played_audio,
        welcome=Welcome(
            bot=config.name,
            sample_rate_hz=sample_rate_hz,
            probability_threshold=voice.probability_threshold,
            examples=_examples(parts),
        ),
        min_speech_duration_ms=voice.min_speech_duration_ms,
        correct=assistant.correct,
        watcher=watcher,
        client_has_vad=client_has_vad,
        tools=tools,
    )
    if speculation:
        speculation.attach(
            branch=user,
            bot=played_audio,
            llm=make_provisional(
                parts[llm],
                context=context,
                void=partial(speculation.void, Outcome.CONTEXT_CHANGED),
            ),
            context=context,
            watcher=watcher,
            tools=tools,
        )
    for part in parts:
        if isinstance(part, Failover):
            part.attach(watcher)
    parts.insert(llm + 1, StageTap(watcher))
    pipeline = Pipeline(
        [
            transport.input(),
            *parts[:llm],
            user,
            *parts[llm:],
            transport.output(),
            assistant,
        ]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(
            audio_in_sample_rate=MICROPHONE_RATE_HZ, audio_out_sample_rate=sample_rate_hz
        ),
        conversation_id=session_id,
        # RTVI lets any client forge the result of a tool.
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )
    return Session(
        session_id,
        config,
        wire,
        worker,
        tuple(parts),
        context,
        watcher,
        tools,
        runs,
        meter=counter,
    )


def deaf(part: FrameProcessor) -> bool:
    """Whether a part is of a kind that makes nothing of the microphone's audio."""
    if isinstance(part, Failover):
        return all(deaf(each) for each in part.services)
    if isinstance(part, LLMService):
        return not part.service_metadata_frame().is_realtime_service
    return isinstance(part, TTSService | PlayedAudio)


def warm_up(config: Config) -> None:
    """Load what no part's constructor loads, so that the first visitor does not wait.

    A model that is not on this machine yet is downloaded; a PartError if that fails.

    What is loaded by then stays: the garbage collector need not look through it again, which
    would stop all bots for a tenth of a second each time, or longer.
    """
    if config.endpointing.smart_turn:
        SmartTurn()
    for part in (each for several in config.parts for each in several.single):
        if issubclass(part.cls, LocalModel):
            part.build().load_model()
    gc.collect()
    gc.freeze()


def _endpointing(config: Config, vad: SileroVad | None) -> EndpointRules:
    """The config's rules; where it leaves the silence open, the VAD's."""
    told = config.endpointing.model_dump(exclude={"smart_turn", "silence_ms"})
    of_vad_ms = vad.min_silence_duration_ms if vad else SILENCE_MS
    return EndpointRules(silence_ms=config.endpointing.silence_ms or of_vad_ms, **told)


def _call_rules(rules: ToolRules) -> CallRules:
    """What the configuration says of questions, and of the time that a tool takes."""
    called = CallRules(confirm_within_ms=rules.confirm_within_ms)
    if rules.filler is None:
        return called
    return replace(called, filler_after_ms=rules.filler.after_ms, fillers=rules.filler.say)


def _examples(parts: list[FrameProcessor]) -> tuple[str, ...]:
    """What the user may say, if a part (the scripted LLM) knows it."""
    for part in (each for several in parts for each in members(several)):
        examples = getattr(part, "examples", None)
        if isinstance(examples, tuple):
            return examples
    return ()


def _enabled(parts: list[FrameProcessor]) -> Speculation | None:
    """Give the part that prepares replies, if it is there and may."""
    speculation = next((part for part in parts if isinstance(part, Speculation)), None)
    return speculation if speculation and speculation.enabled else None


def _the(kind: type[T], parts: Iterable[object]) -> T:
    return next(part for part in parts if isinstance(part, kind))


def _setter(event: asyncio.Event) -> Any:
    async def handler(*_: object) -> None:
        event.set()

    return handler


async def _first(event: asyncio.Event, *others: asyncio.Task[Any], timeout_s: float) -> bool:
    """Wait for the event; False if another task ended first, or time ran out."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait(
            [waiting, *others], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        return event.is_set()
    finally:
        waiting.cancel()
